// The result of a comparison: score, verdict, feedback, pictures.

import { glyph } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, t } from "../../modules/strings.js";
import { translateFeedback } from "./feedback.js";
import { overlayFigure } from "./overlay.js";
import { regionTable } from "./regions.js";

// Lowest score of each rating, as in auth_api/practice/progress.py.
const SCORE_LEVELS = [
  [90, "easy"],
  [70, "good"],
  [50, "hard"],
  [0, "again"],
];

/** A similarity score, 0-100, in words. */
const scoreWords = (score) =>
  t(`practise.score.${SCORE_LEVELS.find(([from]) => score >= from)[1]}`);

/** Score and feedback in one line, for screen readers. */
export const summary = (answer) =>
  [
    t("practise.score.of", { score: Math.round(answer.similarity_score) }),
    scoreWords(answer.similarity_score),
    ...answer.feedback.map(translateFeedback),
  ].join(" ");

/** The card for a response of `/api/similarity/`. `actions` are buttons below the picture. */
export function resultCard(answer, { actions, signal }) {
  // If it looks like another character, the first sentence is the verdict.
  const sentences = answer.is_same_character ? answer.feedback : answer.feedback.slice(1);
  return el(
    "div",
    { class: "card stack judged" },
    el("h2", {}, t("practise.result.title")),
    score(answer),
    verdict(answer),
    answer.preprocessed ? null : el("p", { class: "notice" }, t("recognise.notIsolated")),
    el(
      "ul",
      { class: "sentences" },
      sentences.map((each) => el("li", {}, translateFeedback(each))),
    ),
    overlayFigure(answer, signal),
    actions,
    pictures(answer),
    regionTable(answer.regions),
  );
}

function score({ similarity_score: value, is_same_character: same }) {
  return el(
    "div",
    { class: "score" },
    el(
      "p",
      {},
      el("strong", {}, number(Math.round(value))),
      " ",
      el("span", { class: "hint" }, t("practise.score.outOf")),
    ),
    el("p", { class: "words" }, scoreWords(value)),
    el("span", {
      class: same ? "meter good" : "meter",
      style: { "--share": String(value / 100) },
      "aria-hidden": "true",
    }),
  );
}

function verdict(answer) {
  const [nearest] = answer.nearest;
  // Even the nearest character may be too far away to be mistaken for it.
  const other = nearest.class !== answer.compared_with_class && nearest.distance < answer.threshold;
  if (answer.is_same_character) {
    const message = t("practise.verdict.same", { character: answer.character });
    return el(
      "div",
      { class: "notice good" },
      el("p", {}, message),
      other ? el("p", {}, t("practise.verdict.butNear", nearest)) : null,
    );
  }
  return el(
    "div",
    { class: "notice verdict" },
    other ? glyph(nearest.class) : null,
    el(
      "div",
      {},
      el("p", {}, translateFeedback(answer.feedback[0])),
      other
        ? el(
            "a",
            { href: href(`/practise/${nearest.class}`) },
            t("practise.verdict.practise", nearest),
          )
        : null,
    ),
  );
}

function pictures(answer) {
  const shown = [
    ["reference_image", "reference"],
    ["user_image", "own"],
    ["blended_overlay", "overlay"],
  ];
  return el(
    "div",
    { class: "stack" },
    el(
      "div",
      { class: "three" },
      shown.map(([key, name]) =>
        el(
          "figure",
          {},
          el("img", { class: name, src: answer[key], alt: t(`practise.pictures.${name}.alt`) }),
          el("figcaption", { class: "small" }, t(`practise.pictures.${name}`)),
        ),
      ),
    ),
    answer.form === "nithya"
      ? null
      : el("p", { class: "hint small" }, t(`practise.form.${answer.form}`)),
  );
}
