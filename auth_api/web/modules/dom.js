// Creates and shows elements. Nothing here parses HTML, so that text never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element.
 * @param {string} tag
 * @param {object} properties `class`, `on` ({event: listener}), `style` ({property: value}, set
 *   through the CSSOM, which the Content-Security-Policy allows), `dataset`, and attributes. An
 *   attribute is empty for true, and left out for false, null and undefined.
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 */
export function el(tag, properties = {}, ...children) {
  return applyProperties(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function svg(tag, properties = {}, ...children) {
  return applyProperties(document.createElementNS(SVG, tag), properties, children);
}

/** Replaces the content of `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

/** A Blob as an image. Its object URL is revoked once it is loaded. */
export function thumbnail(picture, alt) {
  const src = URL.createObjectURL(picture);
  const release = () => URL.revokeObjectURL(src);
  return el("img", { class: "thumbnail", src, alt, on: { load: release, error: release } });
}

/** Saves a Blob as a file. */
export function saveFile(content, name) {
  const link = el("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Scrolls as little as shows `element`, or so that it begins at the top (`block` "start"). */
export function bringIntoView(element, block = "nearest") {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ behavior: still ? "auto" : "smooth", block });
}

function applyProperties(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "style") {
      for (const [property, text] of Object.entries(value)) {
        element.style.setProperty(property, text);
      }
    } else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "class") element.setAttribute("class", value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
