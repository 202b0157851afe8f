// The comparison of the versions in the traffic split.

import { table } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { moment, number, t } from "../../modules/strings.js";
import { interval, milliseconds, score, share } from "../operate/facts.js";

const VERDICTS = {
  better: "better",
  worse: "worse",
  higher: "higher",
  lower: "lower",
  "no difference seen": "none",
  "not enough data": "unknown",
};

/** The content for a response of `.../traffic/report/`. */
export function report({ arms, comparisons, since }) {
  return [
    el("p", { class: "hint" }, t("report.since", { moment: moment(since) })),
    armsTable(arms),
    comparisons.map(comparison),
    el("p", { class: "hint small" }, t("report.hint")),
  ];
}

function armsTable(arms) {
  const figures = ["traffic", "requests", "errors", "latency", "score", "wrong"];
  const columns = [t("use.version"), ...figures.map((key) => ({ number: t(`report.${key}`) }))];
  const rows = arms.map((arm) => [
    arm.version,
    share(arm.traffic / 100),
    number(arm.requests),
    estimated(arm.error_rate.value, arm.error_rate, share),
    estimated(arm.latency_ms.mean, arm.latency_ms, milliseconds),
    estimated(arm.score.mean, arm.score, score),
    estimated(arm.corrections.wrong_share.value, arm.corrections.wrong_share, share),
  ]);
  return table(t("report.title"), columns, rows);
}

function estimated(value, { low, high }, format) {
  const range = interval(low, high, format);
  return [format(value), range ? el("span", { class: "remark" }, range) : null];
}

function comparison({ version, against, ...differences }) {
  const format = {
    latency_ms: milliseconds,
    error_rate: share,
    score,
    wrong_share: share,
  };
  return el(
    "div",
    {},
    el("h3", {}, t("report.against", { version, against })),
    el(
      "ul",
      {},
      Object.entries(differences)
        .filter(([, difference]) => difference)
        .map(([name, { value, low, high, verdict }]) =>
          el(
            "li",
            {},
            t(`report.of.${name}`),
            ": ",
            el("strong", {}, t(`report.verdict.${VERDICTS[verdict]}`)),
            value === null ? null : ` (${format[name](value)}`,
            value === null ? null : low === null ? ")" : `, ${interval(low, high, format[name])})`,
          ),
        ),
    ),
  );
}
