// Settings of the page in localStorage. Never tokens or pictures.

const PREFIX = "ranjana-";

/** A stored setting, or `fallback`. */
export function remembered(name, fallback = null) {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback;
  } catch {
    return fallback; // storage is disabled
  }
}

/** Stores a setting; null removes it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is disabled: the setting lasts until the page is closed.
  }
}
