// Private pictures, fetched as they come into sight and a few at a time.

import { blob, sentence } from "./api.js";
import { el, shown } from "./dom.js";

const AT_ONCE = 4;
// How far below the window a picture is fetched already.
const AHEAD = "300px";

/**
 * Answers `picture(path, alt)`: an element that becomes the picture; until `signal` aborts.
 * `missing` is what stands in place of one that cannot be had.
 */
export function privatePictures(missing, signal) {
  const waiting = [];
  let running = 0;

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        sight.unobserve(target);
        waiting.push(target);
      }
      next();
    },
    { rootMargin: AHEAD },
  );
  signal.addEventListener("abort", () => sight.disconnect());

  function next() {
    while (running < AT_ONCE && waiting.length && !signal.aborted) {
      running++;
      load(waiting.shift()).finally(() => {
        running--;
        next();
      });
    }
  }

  async function load(place) {
    if (!place.isConnected) return; // deleted meanwhile
    const { path, alt } = place.dataset;
    try {
      place.replaceWith(shown(await blob(path, { signal, accept: "image/*" }), alt));
    } catch (problem) {
      if (signal.aborted) return;
      place.textContent = missing;
      place.title = sentence(problem);
    }
  }

  return (path, alt) => {
    const place = el("div", { class: "thumbnail waiting small", dataset: { path, alt } });
    sight.observe(place);
    return place;
  };
}
