// Details of one character, with its last scores.

import { get } from "../../modules/api.js";
import { sparkline } from "../../modules/charts.js";
import { linkButton } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { errorCard, href } from "../../modules/router.js";
import { day, moment, number, t } from "../../modules/strings.js";

const SCORE_COUNT = 12;

/** Facts, last scores and links. `each` is a character of `/api/progress/`. */
export function characterDetails(each, signal) {
  const practise = linkButton(t("nav.practise"), href(`/practise/${each.class}`));
  if (!each.attempts) return el("p", { class: "row" }, practise);
  const facts = [
    [t("progress.attempts"), number(each.attempts)],
    [t("progress.fromMemory"), number(each.from_memory)],
    ...scores(each),
    [t("progress.lastAt"), moment(each.last_at)],
    ...(each.due ? [[t("progress.dueOn"), dueOn(each.due)]] : []),
  ];
  return [
    el(
      "dl",
      { class: "known" },
      facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
    lastScores(each, signal),
    el(
      "p",
      { class: "row" },
      practise,
      linkButton(t("history.title"), href("/history", { kind: "compared", class: each.class })),
    ),
  ];
}

/** The facts about scores, which are of attempts from memory. */
const scores = ({ best, last }) =>
  best === null
    ? []
    : [
        [t("progress.best"), number(best)],
        [t("progress.last"), number(last)],
      ];

const dueOn = (due) => (new Date(due) <= new Date() ? t("progress.dueNow") : day(due));

function lastScores(each, signal) {
  const place = el("div", { class: "row", "aria-live": "polite" });
  const load = async () => {
    fill(place, el("span", { class: "hint" }, t("state.loading")));
    try {
      const query = { class: each.class, limit: SCORE_COUNT };
      const { results } = await get("/api/history/similarities/", query, { signal });
      const values = results.map((entry) => entry.score).reverse();
      fill(
        place,
        values.length ? scoreChart(values) : el("span", { class: "hint" }, t("progress.gone")),
      );
    } catch (error) {
      if (!signal.aborted) fill(place, errorCard(error, load));
    }
  };
  load();
  return place;
}

function scoreChart(values) {
  const written = values.map((value) => number(value, { maximumFractionDigits: 0 })).join(", ");
  return [
    values.length > 1 ? sparkline(values, t("progress.scores", { count: values.length })) : null,
    el("span", { class: "small" }, `${t("progress.scores", { count: values.length })}: ${written}`),
  ];
}
