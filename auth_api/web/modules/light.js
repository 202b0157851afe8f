// Tells when the page turns light or dark: what is drawn on a canvas does not follow by itself.

/** Calls `listener` after each change, until `signal` aborts. */
export function onLight(listener, signal) {
  const chosen = new MutationObserver(() => listener());
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => chosen.disconnect());
}

/** What a custom property of the theme stands for now, e.g. `--ink`. */
export const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
