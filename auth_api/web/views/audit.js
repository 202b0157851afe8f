// The audit log: who did what, when, from where.

import { actionButton, attempt } from "../modules/actions.js";
import { download, get } from "../modules/api.js";
import { table } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { paginatedList } from "../modules/pagination.js";
import { replaceQuery } from "../modules/router.js";
import { moment, t } from "../modules/strings.js";
import { actionName, ACTIONS } from "./audit/actions.js";
import { sections } from "./operate/sections.js";

const FILTERS = ["action", "user_id", "since", "until"];

export default async function view({ query, signal }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? ""]));
  const columns = ["at", "action", "user", "subject", "address", "details"].map((key) =>
    t(`audit.${key}`),
  );
  const scroll = table(t("audit.title"), columns, []);
  scroll.classList.add("lines");
  const errors = el("div", {});
  const pages = paginatedList({
    list: scroll.querySelector("tbody"),
    load: (cursor) => get("/api/admin/audit-logs/", { ...queryOf(filters), cursor }, { signal }),
    show: rowOf,
    empty: () => t("audit.none"),
  });
  const reload = () => {
    replaceQuery(filters);
    return attempt(pages.reload, errors);
  };
  const save = () =>
    download("/api/admin/audit-logs/export/", "ranjana-audit-log.csv", {
      query: queryOf(filters),
      accept: "*/*",
    });
  await pages.reload();
  return [
    el("h1", {}, t("audit.title")),
    sections(),
    el(
      "div",
      { class: "row controls" },
      filterFields(filters, reload),
      actionButton(t("audit.export"), save, errors),
    ),
    errors,
    scroll,
    pages.element,
  ];
}

function filterFields(filters, reload) {
  const onChange = (name) => (event) => {
    if (!event.target.reportValidity()) return;
    filters[name] = event.target.value;
    reload();
  };
  const input = (label, name, properties) =>
    field(
      label,
      el("input", { value: filters[name], on: { change: onChange(name) }, ...properties }),
    ).element;
  const actions = ACTIONS.map((each) => [each, actionName(each)]);
  const chosen = select([["", t("jobs.any")], ...actions], filters.action, {
    on: { change: onChange("action") },
  });
  const dates = { type: "date", min: "2000-01-01", max: "2199-12-31" };
  return [
    field(t("audit.action"), chosen).element,
    input(t("audit.userId"), "user_id", { type: "number", min: 1, max: 2 ** 53 }),
    input(t("audit.since"), "since", dates),
    input(t("audit.until"), "until", dates),
  ];
}

/** The filters as a query. Days are in the browser's time zone; the last day is included. */
function queryOf({ since, until, ...others }) {
  const end = until && new Date(`${until}T00:00`);
  if (end) end.setDate(end.getDate() + 1);
  return {
    ...others,
    since: since && new Date(`${since}T00:00`).toISOString(),
    until: end && end.toISOString(),
  };
}

function rowOf({ at, action: name, address, details, ...who }) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, moment(at)),
    el("td", {}, actionName(name)),
    el("td", {}, account(who.user_id, who.username)),
    el("td", {}, account(who.subject_id, who.subject)),
    el("td", {}, address ?? "–"),
    el("td", { class: "small" }, formatDetails(details)),
  );
}

/** The name and the number of an account. Only the number is left of a deleted one. */
function account(id, name) {
  if (id === null) return "–";
  const number = el("span", { class: "remark" }, t("audit.number", { id: String(id) }));
  return [name ?? t("audit.deleted"), number];
}

const formatDetails = (details) =>
  Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ") || "–";
