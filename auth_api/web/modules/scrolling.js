// Scrolls, at once for those who want less motion.

/** Scrolls to `element`: as little as shows it, or so that it begins at the top (`block` "start"). */
export function bringIntoView(element, block = "nearest") {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ behavior: still ? "auto" : "smooth", block });
}
