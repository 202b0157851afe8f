// The usage of the service, as facts, charts and tables.

import { barChart, lineChart } from "../../modules/charts.js";
import { card, table } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { currentLanguage, number, t } from "../../modules/strings.js";
import { facts, interval, milliseconds, score, share } from "./facts.js";

/** The cards for a response of `/api/analytics/system/`. */
export function usageCards(answer) {
  return [
    totals(answer.totals),
    el(
      "div",
      { class: "two" },
      timeChart(answer, "requests", ["answers", "refused", "failed"], number),
      timeChart(answer, "latency", ["mean_latency_ms"], (value) => number(Math.round(value))),
      timeChart(answer, "confidence", ["mean_confidence", "mean_similarity"], number, 100),
      classChart(answer.classes),
    ),
    versionTable(answer.versions),
  ];
}

function totals(found) {
  const { latency_ms: latency, corrections } = found;
  return card(
    t("use.totals"),
    facts([
      [t("use.requests"), number(found.requests)],
      [t("use.answers"), number(found.answers), answerKinds(found)],
      [t("use.refused"), number(found.refused), t("use.refused.why")],
      [t("use.failed"), number(found.failed), t("use.fellBack", { count: found.fell_back })],
      [t("use.activeUsers"), number(found.active_users)],
      [t("use.median"), milliseconds(latency.p50), slowest(latency)],
      [
        t("use.corrections"),
        share(corrections.wrong_share),
        t("use.corrections.of", { count: corrections.given }),
      ],
    ]),
  );
}

const answerKinds = ({ recognitions, comparisons }) =>
  t("use.kinds", { recognitions, comparisons });

const slowest = ({ p95, p99 }) =>
  p95 === null ? null : t("use.tail", { p95: milliseconds(p95), p99: milliseconds(p99) });

/** A line chart of `figures` over time. */
function timeChart({ over_time: steps, bucket }, name, figures, y, high = 0) {
  const series = figures
    .map((figure) => ({
      name: t(`use.${figure}`),
      points: steps
        .filter((step) => step[figure] !== null)
        .map((step) => [Date.parse(step.start), step[figure]]),
    }))
    .filter(({ points }) => points.length);
  const label = t(`use.over.${name}`);
  return card(label, lineChart({ label, series, x: timeFormatter(bucket), y, high }));
}

/** Formats a day or an hour. The buckets of the service are in UTC. */
function timeFormatter(bucket) {
  const day = { day: "numeric", month: "short", timeZone: "UTC" };
  const format = bucket === "day" ? day : { hour: "2-digit", minute: "2-digit", timeZone: "UTC" };
  const formatter = new Intl.DateTimeFormat(currentLanguage(), format);
  return (value) => formatter.format(value);
}

function classChart(found) {
  const label = t("use.classes");
  const bars = found
    .toSorted((one, other) => other.answers - one.answers)
    .slice(0, 24)
    .map((each) => ({ name: each.character, value: each.answers }));
  return card(label, barChart({ label, bars, y: number }), classTable(found));
}

function classTable(found) {
  if (!found.length) return null;
  const columns = [
    t("use.class"),
    t("operate.model"),
    ...["use.answers", "use.score", "use.wrong"].map((key) => ({ number: t(key) })),
  ];
  const rows = found.map((each) => [
    `${each.character} ${each.name}`,
    each.model,
    number(each.answers),
    score(each.mean_score),
    each.corrections.given ? `${each.corrections.wrong} / ${each.corrections.given}` : "–",
  ]);
  const label = t("use.classes.all");
  return el("details", {}, el("summary", {}, label), table(label, columns, rows));
}

function versionTable(found) {
  const title = t("use.versions");
  if (!found.length) return card(title, el("p", { class: "hint" }, t("state.empty")));
  const figures = ["requests", "errors", "typical", "p95", "score", "wrong"];
  const columns = [t("use.version"), ...figures.map((key) => ({ number: t(`use.${key}`) }))];
  const rows = found.map((each) => [
    `${each.model} ${each.version}`,
    number(each.requests),
    share(each.error_rate),
    milliseconds(each.latency_ms.p50),
    milliseconds(each.latency_ms.p95),
    score(each.mean_score),
    wrongShare(each.corrections),
  ]);
  return card(title, table(title, columns, rows));
}

function wrongShare({ wrong_share: value, wrong_share_low: low, wrong_share_high: high }) {
  const range = interval(low, high, (each) => share(each, 0));
  return [share(value, 0), range ? el("span", { class: "remark" }, range) : null];
}
