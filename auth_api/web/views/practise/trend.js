// The user's attempts at one character: facts and a chart of the scores.

import { errorMessage, get } from "../../modules/api.js";
import { lineChart } from "../../modules/charts.js";
import { button } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { currentUser } from "../../modules/session.js";
import { day, number, t } from "../../modules/strings.js";
import { isDue, masterySummary } from "./mastery.js";

// Attempts in the chart: twice as many as the trend of the service considers.
const ATTEMPT_COUNT = 20;

/**
 * `{element, load}`: `load` shows the current facts and returns the response of `/api/progress/`,
 * or null if nobody is signed in or the request fails.
 */
export function trendCard({ class: index }, signal) {
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
      const query = { class: index, limit: ATTEMPT_COUNT };
      const [progress, { results }] = await Promise.all([
        get("/api/progress/", { characters: "all" }, { signal }),
        get("/api/history/similarities/", query, { signal }),
      ]);
      const own = progress.characters[index];
      fill(element, title, own.attempts ? practiceFacts(own, results) : noAttempts());
      return progress;
    } catch (error) {
      if (signal.aborted) return null;
      const message = el("p", { class: "notice error", role: "alert" }, errorMessage(error));
      fill(element, title, message, button(t("action.again"), load));
      return null;
    }
  };
  return { element, load };
}

function practiceFacts(own, results) {
  const scores = results.map((each) => each.score).reverse();
  const points = scores.map((score, position) => [position + 1, score]);
  const whole = (value) => number(Math.round(value));
  const facts = [
    ["attempts", number(own.attempts)],
    ["best", own.best === null ? "–" : whole(own.best)],
    ["trend", t(`practise.trend.${own.trend_word}`)],
    ["due", own.due === null ? "–" : due(own)],
  ];
  return [
    el("p", {}, masterySummary(own)),
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

const noAttempts = () => el("p", { class: "hint" }, t("practise.trend.none"));

const due = (own) => (isDue(own) ? t("practise.due") : day(own.due));
