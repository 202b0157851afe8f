// Settings: what the service was started with. Secrets never leave it.

import { get } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { choices } from "../modules/pad-tools.js";
import { badge, table } from "../modules/parts.js";
import { t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";

export default async function view({ signal }) {
  const { settings } = await get("/api/admin/config/", {}, { signal });
  const place = el("div", { class: "values" });
  const show = (which) =>
    fill(place, listed(which === "set" ? settings.filter((each) => each.set) : settings));
  show("all");
  const options = ["all", "set"].map((which) => [which, t(`settings.${which}`)]);
  return [
    el("h1", {}, t("settings.title")),
    sections(),
    el("p", { class: "hint" }, t("settings.what")),
    choices(t("settings.which"), options, "all", show),
    place,
  ];
}

function listed(settings) {
  if (!settings.length) return el("p", { class: "hint" }, t("settings.none"));
  const columns = ["name", "value", "default"].map((key) => t(`settings.${key}`));
  const rows = settings.map(({ name, value, default: otherwise, set }) => [
    [el("code", {}, name), set ? [" ", badge(t("settings.isSet"))] : null],
    el("code", {}, written(value)),
    el("code", {}, written(otherwise)),
  ]);
  return table(t("settings.title"), columns, rows);
}

const written = (value) => (value === null || value === "" ? "–" : JSON.stringify(value));
