// A bar of links, between views or between the parts of one view.

import { el } from "./dom.js";

/** The bar. `links` are `[url, name, isCurrent]`. */
export function tabLinks(label, links) {
  const bar = el(
    "nav",
    { class: "tabs", "aria-label": label },
    links.map(([url, name, isCurrent]) =>
      el("a", { href: url, "aria-current": isCurrent ? "page" : null }, name),
    ),
  );
  const scrollToCurrent = () => {
    const current = bar.querySelector("[aria-current]");
    if (current) bar.scrollLeft = current.offsetLeft - bar.offsetLeft - bar.clientWidth / 3;
  };
  addEventListener("viewshown", scrollToCurrent, { once: true }); // it has no width before that
  return bar;
}
