// How well a character is mastered: in figures, in words, and as a disc that fills.

import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";

// Mastery (docs/progress.md) from which on a level begins; 80 is what the service calls mastered.
const LEVELS = [
  [80, "mastered"],
  [40, "coming"],
  [0, "begun"],
];

const ALL_LEVELS = ["new", "begun", "coming", "mastered"];

/** The level of a character of `/api/progress/`. */
export const levelOf = ({ attempts, mastery }) =>
  attempts ? LEVELS.find(([from]) => mastery >= from)[1] : "new";

/** Whether it is time to practise it again. */
export const isDue = ({ due }) => due !== null && new Date(due) <= new Date();

/** A disc that is as full as a character is mastered. */
export const disc = (level, share) =>
  el("span", {
    class: `disc ${level}`,
    style: { "--share": String(share) },
    "aria-hidden": "true",
  });

/** Disc, figure and word together. */
export function masteryOf(practised) {
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

/** What the discs mean. */
export const legend = () =>
  el(
    "ul",
    { class: "legend small", "aria-label": t("practise.legend") },
    ALL_LEVELS.map((level, index) =>
      el("li", {}, disc(level, [0, 0.25, 0.6, 1][index]), t(`practise.level.${level}.means`)),
    ),
  );
