// One element for each entry of modules that change while they are shown.

/**
 * A function that shows `entries` in `parent`, each as `make(entry)` made it, and returns a Map of
 * their elements. New ones come last. Those that stay are not touched: they keep focus and scrolling.
 */
export function entryList(parent, make) {
  const elements = new Map();
  return (entries) => {
    for (const [entry, element] of elements) {
      if (entries.includes(entry)) continue;
      element.remove();
      elements.delete(entry);
    }
    for (const entry of entries) {
      if (elements.has(entry)) continue;
      elements.set(entry, make(entry));
      parent.append(elements.get(entry));
    }
    return elements;
  };
}
