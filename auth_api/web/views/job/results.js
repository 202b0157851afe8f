// What the pictures of a job were read as, page by page.

import { called, glyph } from "../../modules/characters.js";
import { el, fill } from "../../modules/dom.js";
import { choices, tool } from "../../modules/pad-tools.js";
import { table } from "../../modules/parts.js";
import { number, percent, t } from "../../modules/strings.js";

const PAGE = 50;

/** `element`, and `show(job)` with the results that there are. */
export function results(model) {
  let all = [];
  let only = "all";
  let start = 0;
  const place = el("div", { class: "stack" });
  const range = el("p", { role: "status", class: "hint" });
  const turn = (by) => () => {
    start += by;
    draw();
  };
  const back = tool(t("results.back"), turn(-PAGE));
  const on = tool(t("results.on"), turn(PAGE));
  const which = ["all", "failed"].map((each) => [each, t(`results.${each}`)]);
  const choose = (chosen) => {
    only = chosen;
    start = 0;
    draw();
  };
  const draw = () => {
    const found = only === "failed" ? all.filter((each) => !each.success) : all;
    const end = Math.min(start + PAGE, found.length);
    const values = { from: start + 1, to: end, count: found.length };
    fill(range, found.length ? t("results.range", values) : t("results.none"));
    const rows = found.slice(start, end).map((each) => rowOf(each, model));
    fill(place, rows.length ? table(t("results.title"), columns(), rows) : null);
    back.disabled = start === 0;
    on.disabled = end >= found.length;
    back.hidden = on.hidden = found.length <= PAGE;
  };
  const element = el(
    "section",
    { class: "card stack results" },
    el("h2", {}, t("results.title")),
    el("div", { class: "row spread" }, choices(t("results.which"), which, only, choose), range),
    place,
    el("div", { class: "row" }, back, on),
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
  const name = (each) => (named ? called(each) : number(Number(each.character)));
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
