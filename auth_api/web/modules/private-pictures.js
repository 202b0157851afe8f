// Pictures that need the access token: loaded when they scroll into view, a few at a time.

import { errorMessage, fetchBlob } from "./api.js";
import { el, thumbnail } from "./dom.js";

const MAX_CONCURRENCY = 4;
// Pictures are loaded when they are so close to the window.
const PRELOAD_MARGIN = "300px";

/**
 * Returns `picture(path, alt)`, which creates a placeholder that the picture replaces. `missing` is
 * the text shown if it cannot be loaded. Stops when `signal` aborts.
 */
export function privatePictures(missing, signal) {
  const queue = [];
  let running = 0;

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        queue.push(target);
      }
      loadNext();
    },
    { rootMargin: PRELOAD_MARGIN },
  );
  signal.addEventListener("abort", () => observer.disconnect());

  function loadNext() {
    while (running < MAX_CONCURRENCY && queue.length && !signal.aborted) {
      running++;
      load(queue.shift()).finally(() => {
        running--;
        loadNext();
      });
    }
  }

  async function load(placeholder) {
    if (!placeholder.isConnected) return; // deleted in the meantime
    const { path, alt } = placeholder.dataset;
    try {
      placeholder.replaceWith(thumbnail(await fetchBlob(path, { signal, accept: "image/*" }), alt));
    } catch (error) {
      if (signal.aborted) return;
      placeholder.textContent = missing;
      placeholder.title = errorMessage(error);
    }
  }

  return (path, alt) => {
    const placeholder = el("div", { class: "thumbnail waiting small", dataset: { path, alt } });
    observer.observe(placeholder);
    return placeholder;
  };
}
