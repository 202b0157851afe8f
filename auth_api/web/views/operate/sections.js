// The ways between the views of this area, as far as one may go them.

import { el } from "../../modules/dom.js";
import { currentPath, href } from "../../modules/router.js";
import { mayAct } from "../../modules/session.js";
import { t } from "../../modules/strings.js";

// `role` is the least one; without it anybody may go there.
const SECTIONS = [
  { path: "/operate", name: "sections.overview", role: "analyst" },
  { path: "/models", name: "sections.models" },
  { path: "/jobs", name: "sections.jobs", role: "user" },
  { path: "/training", name: "sections.training", role: "data-scientist" },
  { path: "/users", name: "sections.users", role: "admin" },
  { path: "/audit", name: "sections.audit", role: "admin" },
  { path: "/settings", name: "sections.settings", role: "admin" },
];

/** The sections, null where there is only one. */
export function sections() {
  const open = SECTIONS.filter(({ role }) => !role || mayAct(role));
  if (open.length < 2) return null;
  const here = currentPath();
  const links = open.map(({ path, name }) => [href(path), t(name), here.startsWith(path)]);
  return waysBetween(t("sections.label"), links);
}

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
