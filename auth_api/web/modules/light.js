// Tells when the page turns light or dark: what is drawn on a canvas does not follow by itself.

/** Calls `listener` after each change, until `signal` aborts. */
export function onLight(listener, signal) {
  const chosen = new MutationObserver(() => listener());
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", () => listener(), { signal });
  signal.addEventListener("abort", () => chosen.disconnect());
}

/** What the custom property `name` of the theme stands for where `element` is. */
export const colourOf = (element, name) => getComputedStyle(element).getPropertyValue(name);
