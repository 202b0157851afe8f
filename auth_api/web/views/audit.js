// The audit log: who did what, when, from where.

import { action, attempt } from "../modules/actions.js";
import { download, get } from "../modules/api.js";
import { el } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { paged } from "../modules/pages.js";
import { table } from "../modules/parts.js";
import { noteQuery } from "../modules/router.js";
import { moment, t } from "../modules/strings.js";
import { ACTIONS, actionName } from "./audit/actions.js";
import { sections } from "./operate/sections.js";

const FILTERS = ["action", "user_id", "since", "until"];

export default async function view({ query, signal }) {
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? ""]));
  const columns = ["at", "action", "user", "address", "details"].map((key) => t(`audit.${key}`));
  const scroll = table(t("audit.title"), columns, []);
  scroll.classList.add("lines");
  const said = el("div", {});
  const pages = paged({
    list: scroll.querySelector("tbody"),
    load: (cursor) => get("/api/admin/audit-logs/", { ...asked(wanted), cursor }, { signal }),
    show: rowOf,
    empty: () => t("audit.none"),
  });
  const start = () => {
    noteQuery(wanted);
    return attempt(pages.start, said);
  };
  const save = () =>
    download("/api/admin/audit-logs/export/", "ranjana-audit-log.csv", {
      query: asked(wanted),
      accept: "*/*",
    });
  await pages.start();
  return [
    el("h1", {}, t("audit.title")),
    sections(),
    el(
      "div",
      { class: "row controls" },
      filters(wanted, start),
      action(t("audit.export"), save, said),
    ),
    said,
    scroll,
    pages.element,
  ];
}

function filters(wanted, start) {
  const changed = (name) => (event) => {
    if (!event.target.reportValidity()) return;
    wanted[name] = event.target.value;
    start();
  };
  const input = (label, name, properties) =>
    field(label, el("input", { value: wanted[name], on: { change: changed(name) }, ...properties }))
      .element;
  const actions = ACTIONS.map((each) => [each, actionName(each)]);
  const chosen = select([["", t("jobs.any")], ...actions], wanted.action, {
    on: { change: changed("action") },
  });
  const dates = { type: "date", min: "2000-01-01", max: "2199-12-31" };
  return [
    field(t("audit.action"), chosen).element,
    input(t("audit.userId"), "user_id", { type: "number", min: 1, max: 2 ** 53 }),
    input(t("audit.since"), "since", dates),
    input(t("audit.until"), "until", dates),
  ];
}

/** The filters as the service wants them: days are those of whoever looks, the last one included. */
function asked({ since, until, ...others }) {
  const end = until && new Date(`${until}T00:00`);
  if (end) end.setDate(end.getDate() + 1);
  return {
    ...others,
    since: since && new Date(`${since}T00:00`).toISOString(),
    until: end && end.toISOString(),
  };
}

function rowOf({ at, action: name, user_id: user, address, details }) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, moment(at)),
    el("td", {}, actionName(name)),
    el("td", {}, user ?? "–"),
    el("td", {}, address ?? "–"),
    el("td", { class: "small" }, written(details)),
  );
}

const written = (details) =>
  Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ") || "–";
