// What a comparison says: how near, what to work on, and where.

import { glyph } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, t } from "../../modules/strings.js";
import { laidOver } from "./laid-over.js";
import { regionTable } from "./regions.js";
import { inOwnLanguage } from "./sentences.js";

// Scores from which on a word is said, as auth_api/practice/progress.py rates them.
const WORDS = [
  [90, "easy"],
  [70, "good"],
  [50, "hard"],
  [0, "again"],
];

/** A similarity score, 0-100, in words. */
const inWords = (score) => t(`practise.score.${WORDS.find(([from]) => score >= from)[1]}`);

/** The score and the verdict in one line, for those who hear the page. */
export const summary = (answer) =>
  [
    t("practise.score.of", { score: Math.round(answer.similarity_score) }),
    inWords(answer.similarity_score),
    ...answer.feedback.map(inOwnLanguage),
  ].join(" ");

/** The card of an answer of `/api/similarity/`; `actions` are buttons below the picture. */
export function resultCard(answer, { actions, signal }) {
  // Of another character the first sentence is the verdict.
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
      sentences.map((each) => el("li", {}, inOwnLanguage(each))),
    ),
    laidOver(answer, signal),
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
    el("p", { class: "words" }, inWords(value)),
    el("span", {
      class: same ? "meter good" : "meter",
      style: { "--share": String(value / 100) },
      "aria-hidden": "true",
    }),
  );
}

function verdict(answer) {
  const [nearest] = answer.nearest;
  // What is nearest of all may still be too far off to be taken for it.
  const other = nearest.class !== answer.compared_with_class && nearest.distance < answer.threshold;
  if (answer.is_same_character) {
    const said = t("practise.verdict.same", { character: answer.character });
    return el(
      "div",
      { class: "notice good" },
      el("p", {}, said),
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
      el("p", {}, inOwnLanguage(answer.feedback[0])),
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
