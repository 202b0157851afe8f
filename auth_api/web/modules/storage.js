// What this browser remembers of the page's settings. Never a token, never a picture.

const PREFIX = "ranjana-";

/** A remembered setting, or `otherwise`. */
export function remembered(name, otherwise = null) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise; // storage is switched off
  }
}

/** Remembers a setting; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // It lasts until the page is closed, then.
  }
}
