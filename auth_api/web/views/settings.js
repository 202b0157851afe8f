// Settings: the configuration of the service. It never sends secrets.

import { get } from "../modules/api.js";
import { badge, radioGroup, table } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";

export default async function view({ signal }) {
  const { settings } = await get("/api/admin/config/", {}, { signal });
  const place = el("div", { class: "values" });
  const show = (which) =>
    fill(place, settingsTable(which === "set" ? settings.filter((each) => each.set) : settings));
  show("all");
  const options = ["all", "set"].map((which) => [which, t(`settings.${which}`)]);
  return [
    el("h1", {}, t("settings.title")),
    sections(),
    el("p", { class: "hint" }, t("settings.what")),
    radioGroup(t("settings.which"), options, "all", show),
    place,
  ];
}

function settingsTable(settings) {
  if (!settings.length) return el("p", { class: "hint" }, t("settings.none"));
  const columns = ["name", "value", "default"].map((key) => t(`settings.${key}`));
  const rows = settings.map(({ name, value, default: defaultValue, set }) => [
    [el("code", {}, name), set ? [" ", badge(t("settings.isSet"))] : null],
    el("code", {}, formatValue(value)),
    el("code", {}, formatValue(defaultValue)),
  ]);
  return table(t("settings.title"), columns, rows);
}

const formatValue = (value) => (value === null || value === "" ? "–" : JSON.stringify(value));
