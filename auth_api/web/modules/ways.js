// Ways between views, and between the parts of one.

import { el } from "./dom.js";

/** Links `[address, name, whether that is here]` in a row. */
export function waysBetween(label, links) {
  const nav = el(
    "nav",
    { class: "ways", "aria-label": label },
    links.map(([address, name, here]) =>
      el("a", { href: address, "aria-current": here ? "page" : null }, name),
    ),
  );
  const reveal = () => {
    const here = nav.querySelector("[aria-current]");
    if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - nav.clientWidth / 3;
  };
  addEventListener("viewshown", reveal, { once: true }); // before, it has no width
  return nav;
}
