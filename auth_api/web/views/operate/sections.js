// Links to the views of this area that the user may open.

import { currentPath, href } from "../../modules/router.js";
import { hasRole } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { tabLinks } from "../../modules/tabs.js";

// `role` is the lowest role for a view. Views without it are public.
const SECTIONS = [
  { path: "/operate", name: "sections.overview", role: "analyst" },
  { path: "/models", name: "sections.models" },
  { path: "/jobs", name: "sections.jobs", role: "user" },
  { path: "/training", name: "sections.training", role: "data-scientist" },
  { path: "/users", name: "sections.users", role: "admin" },
  { path: "/audit", name: "sections.audit", role: "admin" },
  { path: "/settings", name: "sections.settings", role: "admin" },
];

/** The links; null if there is only one. */
export function sections() {
  const open = SECTIONS.filter(({ role }) => !role || hasRole(role));
  if (open.length < 2) return null;
  const here = currentPath();
  const links = open.map(({ path, name }) => [href(path), t(name), here.startsWith(path)]);
  return tabLinks(t("sections.label"), links);
}
