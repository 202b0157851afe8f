// The result of a comparison: score, verdict, feedback, pictures.

import { glyph } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, t } from "../../modules/strings.js";
import { confusedWith, sentencesOf } from "./feedback.js";
import { overlayFigure } from "./overlay.js";
import { ratingOf } from "./ratings.js";
import { regionTable } from "./regions.js";

/** A score, 0-100, in words. */
const scoreWords = (score) => t(`practise.score.${ratingOf(score)}`);

/** Score and feedback in one line, for screen readers. */
export const summary = (answer) =>
  [
    t("practise.score.of", answer),
    scoreWords(answer.score),
    ...sentencesOf(answer).map(({ text }) => text),
  ].join(" ");

/** The mark and the most important sentence about a response of `/api/similarity/`. */
export const resultHead = (answer, actions) =>
  el(
    "div",
    { class: "card stack result-head" },
    scoreMeter(answer),
    el("p", { class: "first-sentence" }, sentencesOf(answer)[0].text),
    actions,
  );

/**
 * The card with all about a response of `/api/similarity/`. `layers` are those of the character
 * (stroke-layers.js).
 */
export function resultCard(answer, { layers, signal }) {
  const sentences = sentencesOf(answer);
  // If it looks like another character, the first sentence is the verdict.
  const message = answer.is_same_character
    ? t("practise.verdict.same", answer)
    : sentences.shift().text;
  const overlay = overlayFigure(answer, layers, signal);
  return el(
    "div",
    { class: "card stack judged" },
    el("h2", {}, t("practise.result.title")),
    verdict(answer, message),
    answer.preprocessed ? null : el("p", { class: "notice" }, t("recognise.notIsolated")),
    sentenceList(sentences, overlay),
    overlay.element,
    pictures(answer),
    regionTable(answer.regions),
  );
}

/** The sentences. Those about a place light it up: under the mouse, with the focus, and pressed. */
function sentenceList(sentences, { element, light }) {
  let pressed = null;
  const item = ({ text, fault }) => {
    if (fault === null || fault.row === null) return el("li", {}, text);
    const enter = () => light(fault);
    const leave = () => light(pressed);
    const click = ({ target }) => {
      pressed = pressed === fault ? null : fault;
      for (const each of list.querySelectorAll("button")) {
        each.setAttribute("aria-pressed", String(each === target && pressed !== null));
      }
      light(pressed);
      element.firstChild.scrollIntoView({ block: "nearest" });
    };
    const on = { mouseenter: enter, focus: enter, mouseleave: leave, blur: leave, click };
    return el("li", {}, el("button", { type: "button", "aria-pressed": "false", on }, text));
  };
  const list = el("ul", { class: "sentences" }, sentences.map(item));
  return list;
}

function scoreMeter({ score, is_same_character: same }) {
  return el(
    "div",
    { class: "score" },
    el(
      "p",
      {},
      el("strong", {}, number(score)),
      " ",
      el("span", { class: "hint" }, t("practise.score.outOf")),
    ),
    el("p", { class: "words" }, scoreWords(score)),
    el("span", {
      class: same ? "meter good" : "meter",
      style: { "--share": String(score / 100) },
      "aria-hidden": "true",
    }),
  );
}

function verdict(answer, message) {
  const other = confusedWith(answer);
  if (answer.is_same_character) {
    return el(
      "div",
      { class: "notice good" },
      el("p", {}, message),
      other ? el("p", {}, t("practise.verdict.butNear", other)) : null,
    );
  }
  return el(
    "div",
    { class: "notice verdict" },
    other ? glyph(other.class) : null,
    el(
      "div",
      {},
      el("p", {}, message),
      other
        ? el("a", { href: href(`/practise/${other.class}`) }, t("practise.verdict.practise", other))
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
