// Keeps a part of a view up to date while somebody looks at it.

import { pause } from "./connection.js";

const SECONDS = 5;

/**
 * Calls `load()` every few seconds while the page is visible, until `signal` aborts, and
 * `show(answer)` if the answer has changed and nobody is using `place`: neither focus, selection nor
 * scrolling inside is lost then. `shown` is the answer that is shown already.
 */
export async function keepFresh({ place, load, show, shown, signal }) {
  let current = JSON.stringify(shown);
  while (!signal.aborted) {
    try {
      await pause(SECONDS, signal);
      if (document.hidden) await visible(signal);
      const answer = await load();
      const text = JSON.stringify(answer);
      if (signal.aborted || text === current || isUsed(place)) continue;
      current = text;
      replace(place, () => show(answer));
    } catch {
      // modules/connection.js shows the problem. The next time may succeed.
    }
  }
}

function visible(signal) {
  return new Promise((resolve, reject) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Whether somebody types into `place`, opened a question in it, or selected some of its text. */
function isUsed(place) {
  const { activeElement } = document;
  if (place.contains(activeElement) && activeElement.matches("input, select, textarea"))
    return true;
  if (place.querySelector(".confirming .button:nth-child(2), .confirming .notice")) return true;
  const selection = getSelection();
  return !selection.isCollapsed && place.contains(selection.anchorNode);
}

/** Runs `show`. The focus stays on the same control, and scrolled parts and open details stay so. */
function replace(place, show) {
  const scrolled = () => [...place.querySelectorAll(".scroll, .tabs")];
  const details = () => [...place.querySelectorAll("details")];
  const focusable = () => [...place.querySelectorAll("a, button, summary, [tabindex]")];
  const positions = scrolled().map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
  const open = details().map((each) => each.open);
  const focused = focusable().indexOf(document.activeElement);
  const { scrollX, scrollY } = window;
  show();
  scrolled().forEach((each, index) => {
    [each.scrollLeft, each.scrollTop] = positions[index] ?? [0, 0];
  });
  details().forEach((each, index) => (each.open = open[index] ?? each.open));
  focusable()[focused]?.focus({ preventScroll: true });
  scrollTo(scrollX, scrollY);
}
