// What a picture was read as, how sure the model is, and two taps to say that it is wrong.

import { action, attempt } from "../../modules/actions.js";
import { post } from "../../modules/api.js";
import { called, glyph, loadCharacters, referencePath } from "../../modules/characters.js";
import { el, fill, shown } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, percent, t } from "../../modules/strings.js";

/**
 * The card of an answer of `/api/predict/`.
 * @param {{model: string, compare: () => void, judged?: () => void, picture?: Blob}} options
 *   `judged` is told when the learner has said whether it is right.
 */
export function resultCard(answer, { model, compare, judged, picture }) {
  const card = el("div", { class: "card stack result" });
  fill(
    card,
    headline(answer, model),
    bars(answer, model),
    answer.preprocessed ? null : el("p", { class: "notice" }, t("recognise.notIsolated")),
    model === "ranjana"
      ? el(
          "button",
          { class: "button primary", type: "button", on: { click: compare } },
          t("recognise.compare"),
        )
      : null,
    judgement(answer, model, judged ?? (() => null)),
    seen(answer, picture),
  );
  return card;
}

/** What was read and how sure that is, in one line. */
export function summary(answer, model) {
  return `${nameOf(answer, model)}: ${sureness(answer.confidence)}`;
}

const nameOf = (each, model) =>
  model === "ranjana" ? called(each) : number(Number(each.character));

/** How sure a confidence (0-100) is, in words. */
function sureness(confidence) {
  if (confidence >= 90) return t("sure.very");
  if (confidence >= 60) return t("sure.quite");
  return t("sure.little");
}

function headline(answer, model) {
  return el(
    "div",
    { class: "headline" },
    model === "ranjana" ? glyph(answer.predicted_class) : null,
    el(
      "p",
      {},
      el("strong", { class: "big" }, nameOf(answer, model)),
      el("br"),
      `${sureness(answer.confidence)} (${percent(answer.confidence / 100, 1)})`,
    ),
  );
}

function bars(answer, model) {
  return el(
    "ol",
    { class: "bars", "aria-label": t("recognise.top") },
    answer.top.map((each) =>
      el(
        "li",
        {},
        el(
          "span",
          { class: "name" },
          model === "ranjana" ? glyph(each.class) : null,
          nameOf(each, model),
        ),
        el("span", {
          class: "bar",
          style: { "--share": String(each.confidence / 100) },
          "aria-hidden": "true",
        }),
        el("span", { class: "share" }, percent(each.confidence / 100, 1)),
      ),
    ),
  );
}

function judgement(answer, model, judged) {
  const place = el("div", { class: "stack judgement" });
  if (!answer.prediction_id) {
    const link = el("a", { href: href("/sign-in", { next: "/" }) }, t("nav.signIn"));
    return fill(place, el("p", { class: "hint small" }, link, " ", t("feedback.signIn")));
  }
  const said = el("div", {});
  const say = async (actual) => {
    await post("/api/feedback/", { prediction_id: answer.prediction_id, actual_class: actual });
    judged();
    const right = actual === answer.predicted_class;
    fill(place, el("p", { class: "notice good" }, t(right ? "feedback.right" : "feedback.thanks")));
  };
  const choose = async () => {
    const classes = await classesOf(model);
    fill(
      place,
      said,
      alternatives(answer, classes, (actual) => attempt(() => say(actual), said)),
    );
    place.querySelector("button").focus();
  };
  return fill(
    place,
    said,
    el(
      "p",
      { class: "row" },
      action(t("feedback.isRight"), () => say(answer.predicted_class), said),
      action(t("feedback.isWrong"), choose, said),
    ),
  );
}

/** `{class, character, name}` of all that a model tells apart. */
async function classesOf(model) {
  if (model === "ranjana") return loadCharacters();
  return Array.from({ length: 10 }, (_, digit) => ({ class: digit, character: number(digit) }));
}

/** All classes to choose the right one from, the likely ones first. */
function alternatives(answer, classes, say) {
  const likely = answer.top.map((each) => classes[each.class]);
  const order = new Set([...likely, ...classes]);
  order.delete(classes[answer.predicted_class]);
  return el(
    "fieldset",
    { class: "alternatives" },
    el("legend", {}, t("feedback.which")),
    [...order].map((each) =>
      el(
        "button",
        { class: "button", type: "button", on: { click: () => say(each.class) } },
        each.reference
          ? el("img", { class: "glyph", src: referencePath(each.class), alt: called(each) })
          : each.character,
      ),
    ),
  );
}

function seen(answer, picture) {
  return el(
    "details",
    {},
    el("summary", {}, t("recognise.seen")),
    el(
      "div",
      { class: "row" },
      picture ? shown(picture, t("recognise.yours")) : null,
      el("img", { class: "thumbnail", src: answer.processed_image, alt: t("recognise.ink") }),
    ),
    el("p", { class: "hint small" }, t("recognise.model.version", answer.model)),
  );
}
