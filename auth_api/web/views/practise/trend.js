// How a signed-in learner comes along with one character.

import { get, sentence } from "../../modules/api.js";
import { lineChart } from "../../modules/charts.js";
import { el, fill } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { href } from "../../modules/router.js";
import { currentUser } from "../../modules/session.js";
import { day, number, t } from "../../modules/strings.js";
import { isDue, masteryOf } from "./mastery.js";

// As many attempts as the trend in the progress looks at twice over.
const SHOWN = 20;

/**
 * `{element, load}`: `load` shows what is known now, and answers the progress
 * (`/api/progress/`); null for nobody, and where it cannot be had.
 */
export function trendOf({ class: index }, signal) {
  const element = el("section", { class: "card stack practice" });
  const title = el("h2", {}, t("practise.trend.title"));
  const load = async () => {
    if (!currentUser()) {
      const link = el(
        "a",
        { href: href("/sign-in", { next: `/practise/${index}` }) },
        t("nav.signIn"),
      );
      fill(element, title, el("p", { class: "hint" }, link, " ", t("practise.trend.signIn")));
      return null;
    }
    try {
      const query = { class: index, limit: SHOWN };
      const [progress, { results }] = await Promise.all([
        get("/api/progress/", {}, { signal }),
        get("/api/history/similarities/", query, { signal }),
      ]);
      const own = progress.characters[index];
      fill(element, title, own.attempts ? practice(own, results) : none());
      return progress;
    } catch (problem) {
      if (signal.aborted) return null;
      const said = el("p", { class: "notice error", role: "alert" }, sentence(problem));
      fill(element, title, said, tool(t("action.again"), load));
      return null;
    }
  };
  return { element, load };
}

function practice(own, results) {
  const scores = results.map((each) => each.similarity_score).reverse();
  const points = scores.map((score, place) => [place + 1, score]);
  const whole = (value) => number(Math.round(value));
  const facts = [
    ["attempts", number(own.attempts)],
    ["best", whole(own.best)],
    ["trend", t(`practise.trend.${own.trend_word}`)],
    ["due", due(own)],
  ];
  return [
    el("p", {}, masteryOf(own)),
    el(
      "dl",
      { class: "standing" },
      facts.map(([name, value]) =>
        el("div", {}, el("dt", {}, t(`practise.trend.fact.${name}`)), el("dd", {}, value)),
      ),
    ),
    points.length > 1
      ? lineChart({
          label: t("practise.trend.chart", { count: points.length }),
          series: [{ name: t("practise.trend.score"), points }],
          x: whole,
          y: whole,
          low: 0,
          high: 100,
        })
      : null,
  ];
}

const none = () => el("p", { class: "hint" }, t("practise.trend.none"));

const due = (own) => (isDue(own) ? t("practise.due") : day(own.due));
