// What is known of one character, with its last scores.

import { get } from "../../modules/api.js";
import { sparkline } from "../../modules/charts.js";
import { el, fill } from "../../modules/dom.js";
import { failed, href } from "../../modules/router.js";
import { day, moment, number, t } from "../../modules/strings.js";

const SCORES = 12;

/** The facts, the last scores, and the ways on. */
export function particulars(each, signal) {
  const practise = el(
    "a",
    { class: "button", href: href(`/practise/${each.class}`) },
    t("nav.practise"),
  );
  if (!each.attempts) return el("p", { class: "row" }, practise);
  const facts = [
    [t("progress.attempts"), number(each.attempts)],
    [t("progress.best"), number(each.best)],
    [t("progress.last"), number(each.last)],
    [t("progress.lastAt"), moment(each.last_at)],
    [t("progress.dueOn"), dueOn(each.due)],
  ];
  return [
    el(
      "dl",
      { class: "known" },
      facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
    scores(each, signal),
    el(
      "p",
      { class: "row" },
      practise,
      el(
        "a",
        { class: "button", href: href("/history", { kind: "compared", class: each.class }) },
        t("history.title"),
      ),
    ),
  ];
}

const dueOn = (due) => (new Date(due) <= new Date() ? t("progress.dueNow") : day(due));

function scores(each, signal) {
  const place = el("div", { class: "row", "aria-live": "polite" });
  const load = async () => {
    fill(place, el("span", { class: "hint" }, t("state.loading")));
    try {
      const query = { class: each.class, limit: SCORES };
      const { results } = await get("/api/history/similarities/", query, { signal });
      const values = results.map((entry) => entry.similarity_score).reverse();
      fill(
        place,
        values.length ? drawn(values) : el("span", { class: "hint" }, t("progress.gone")),
      );
    } catch (problem) {
      if (!signal.aborted) fill(place, failed(problem, load));
    }
  };
  load();
  return place;
}

function drawn(values) {
  const written = values.map((value) => number(value, { maximumFractionDigits: 0 })).join(", ");
  return [
    values.length > 1 ? sparkline(values, t("progress.scores", { count: values.length })) : null,
    el("span", { class: "small" }, `${t("progress.scores", { count: values.length })}: ${written}`),
  ];
}
