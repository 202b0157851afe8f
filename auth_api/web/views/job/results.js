// The predictions of a job, page by page.

import { characterName, glyph } from "../../modules/characters.js";
import { button, radioGroup, table } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

const PAGE_SIZE = 50;

/** `{element, show}`: `show(job)` updates the results. */
export function results(model) {
  let all = [];
  let only = "all";
  let start = 0;
  const place = el("div", { class: "stack" });
  const range = el("p", { role: "status", class: "hint" });
  const movePage = (by) => () => {
    start += by;
    draw();
  };
  const back = button(t("results.back"), movePage(-PAGE_SIZE));
  const forward = button(t("results.on"), movePage(PAGE_SIZE));
  const filters = ["all", "failed"].map((each) => [each, t(`results.${each}`)]);
  const applyFilter = (chosen) => {
    only = chosen;
    start = 0;
    draw();
  };
  const draw = () => {
    const shown = only === "failed" ? all.filter((each) => !each.success) : all;
    const end = Math.min(start + PAGE_SIZE, shown.length);
    const values = { from: start + 1, to: end, count: shown.length };
    fill(range, shown.length ? t("results.range", values) : t("results.none"));
    const rows = shown.slice(start, end).map((each) => rowOf(each, model));
    fill(place, rows.length ? table(t("results.title"), columns(), rows) : null);
    back.disabled = start === 0;
    forward.disabled = end >= shown.length;
    back.hidden = forward.hidden = shown.length <= PAGE_SIZE;
  };
  const filter = radioGroup(t("results.which"), filters, only, applyFilter);
  const element = el(
    "section",
    { class: "card stack results" },
    el("h2", {}, t("results.title")),
    el("div", { class: "row spread" }, filter, range),
    place,
    el("div", { class: "row" }, back, forward),
  );
  const show = (job) => {
    if (!job.results || job.results.length === all.length) return;
    all = job.results;
    draw();
  };
  draw();
  return { element, show };
}

const columns = () => [
  t("results.file"),
  t("results.read"),
  { number: t("results.confidence") },
  t("results.next"),
];

function rowOf(result, model) {
  if (!result.success) {
    return [result.file, el("span", { class: "problem" }, result.error), "–", "–"];
  }
  const named = model === "ranjana";
  const name = (each) => (named ? characterName(each) : number(Number(each.character)));
  const [, next] = result.top;
  return [
    result.file,
    el(
      "span",
      { class: "row" },
      named ? glyph(result.predicted_class) : null,
      el("strong", {}, name(result)),
    ),
    percent(result.confidence / 100, 1),
    next ? `${name(next)} (${percent(next.confidence / 100, 1)})` : "–",
  ];
}
