// What everybody asked, as figures and charts.

import { barChart, lineChart } from "../../modules/charts.js";
import { el } from "../../modules/dom.js";
import { card, table } from "../../modules/parts.js";
import { currentLanguage, number, t } from "../../modules/strings.js";
import { facts, interval, milliseconds, score, share } from "./parts.js";

/** The cards of an answer of `/api/analytics/system/`. */
export function use(answer) {
  return [
    totals(answer.totals),
    el(
      "div",
      { class: "two" },
      over(answer, "requests", ["answers", "refused", "failed"], number),
      over(answer, "latency", ["mean_latency_ms"], (value) => number(Math.round(value))),
      over(answer, "confidence", ["mean_confidence", "mean_similarity"], number, 100),
      classes(answer.classes),
    ),
    versions(answer.versions),
  ];
}

function totals(found) {
  const { latency_ms: latency, corrections } = found;
  return card(
    t("use.totals"),
    facts([
      [t("use.requests"), number(found.requests)],
      [t("use.answers"), number(found.answers), kinds(found)],
      [t("use.refused"), number(found.refused), t("use.refused.why")],
      [t("use.failed"), number(found.failed), t("use.fellBack", { count: found.fell_back })],
      [t("use.activeUsers"), number(found.active_users)],
      [t("use.median"), milliseconds(latency.p50), tail(latency)],
      [
        t("use.corrections"),
        share(corrections.wrong_share),
        t("use.corrections.of", { count: corrections.given }),
      ],
    ]),
  );
}

const kinds = ({ recognitions, comparisons }) => t("use.kinds", { recognitions, comparisons });

const tail = ({ p95, p99 }) =>
  p95 === null ? null : t("use.tail", { p95: milliseconds(p95), p99: milliseconds(p99) });

/** Some of the figures of each step, as lines over time. */
function over({ over_time: steps, bucket }, name, figures, y, high = 0) {
  const series = figures
    .map((figure) => ({
      name: t(`use.${figure}`),
      points: steps
        .filter((step) => step[figure] !== null)
        .map((step) => [Date.parse(step.start), step[figure]]),
    }))
    .filter(({ points }) => points.length);
  const label = t(`use.over.${name}`);
  return card(label, lineChart({ label, series, x: written(bucket), y, high }));
}

/** How a day or an hour is written: the service's are those of UTC. */
function written(bucket) {
  const day = { day: "numeric", month: "short", timeZone: "UTC" };
  const format = bucket === "day" ? day : { hour: "2-digit", minute: "2-digit", timeZone: "UTC" };
  const formatter = new Intl.DateTimeFormat(currentLanguage(), format);
  return (value) => formatter.format(value);
}

function classes(found) {
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

function versions(found) {
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
