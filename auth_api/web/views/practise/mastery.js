// The mastery of a character as a number, a word and a disc.

import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";

// Lowest mastery (docs/progress.md) of each level below `mastered`, which the service decides.
const LEVELS = [
  [40, "coming"],
  [0, "begun"],
];

const ALL_LEVELS = ["new", "begun", "coming", "mastered"];

/** The level of a character of `/api/progress/`. */
export function levelOf({ attempts, mastery, mastered }) {
  if (mastered) return "mastered";
  return attempts ? LEVELS.find(([from]) => mastery >= from)[1] : "new";
}

/** Whether a character is due for practice. */
export const isDue = ({ due }) => due !== null && new Date(due) <= new Date();

/** A disc filled to `share`, 0 to 1. */
export const disc = (level, share) =>
  el("span", {
    class: `disc ${level}`,
    style: { "--share": String(share) },
    "aria-hidden": "true",
  });

/** Disc, number and word. */
export function masterySummary(practised) {
  const level = levelOf(practised);
  return el(
    "span",
    { class: "mastery" },
    disc(level, practised.mastery / 100),
    level === "new"
      ? t("practise.level.new")
      : `${number(Math.round(practised.mastery))} · ${t(`practise.level.${level}`)}`,
  );
}

/** The legend of the discs. */
export const legend = () =>
  el(
    "ul",
    { class: "legend small", "aria-label": t("practise.legend") },
    ALL_LEVELS.map((level, index) =>
      el("li", {}, disc(level, [0, 0.25, 0.6, 1][index]), t(`practise.level.${level}.means`)),
    ),
  );
