// Colours of the theme for canvases, which have to be painted again when it changes.

/** Calls `listener` after each change of the theme, until `signal` aborts. */
export function onThemeChange(listener, signal) {
  const observer = new MutationObserver(() => listener());
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** The current value of a custom property of the theme, e.g. `--ink`. */
export const themeColour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name);
