// The ways between the views of this area, as far as one may go them.

import { currentPath, href } from "../../modules/router.js";
import { mayAct } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { waysBetween } from "../../modules/ways.js";

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
