// The prediction for a picture, its confidence, and buttons for feedback.

import { actionButton, attempt } from "../../modules/actions.js";
import { post } from "../../modules/api.js";
import { byGroup, characterName, glyph, loadCharacters } from "../../modules/characters.js";
import { button } from "../../modules/components.js";
import { el, fill, thumbnail } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, percent, t } from "../../modules/strings.js";

/**
 * The card for a response of `/api/predict/`.
 * @param {{model: string, compare: () => void, onJudged?: () => void, picture?: Blob,
 *   showAll?: () => Promise<void>}} options `onJudged` is called after feedback, `showAll` to show
 *   all characters of the picture
 */
export function resultCard(answer, { picture, showAll, ...options }) {
  return el(
    "div",
    { class: "card stack result" },
    resultDetails(answer, { picture, ...options }),
    showAll && answer.others ? allButton(answer.others, showAll) : null,
    inputDetails(answer),
  );
}

/** What is known of one of the characters of a picture, as nodes. */
export function characterDetails(character, { model, compare, picture = null }) {
  return [
    headline(character, model, picture && ownPicture(character, picture)),
    bars(character, model),
    model === "ranjana" ? button(t("recognise.compare"), compare, "primary") : null,
  ];
}

/** The same for a response of `/api/predict/`, which can get feedback. */
export function resultDetails(answer, { model, compare, onJudged, picture }) {
  return [
    characterDetails(answer, { model, compare, picture }),
    answer.preprocessed ? null : el("p", { class: "notice" }, t("recognise.notIsolated")),
    feedbackButtons(answer, model, onJudged ?? (() => null)),
  ];
}

function allButton(others, showAll) {
  const errors = el("div", {});
  return [actionButton(t("recognise.others", { count: others }), showAll, errors), errors];
}

/** Prediction and confidence in one line. */
export function summary(answer, model) {
  return `${answerName(answer, model)}: ${confidenceWords(answer.confidence)}`;
}

const answerName = (each, model) =>
  model === "ranjana" ? characterName(each) : number(Number(each.character));

/** A confidence, 0 to 100, in words. */
function confidenceWords(confidence) {
  if (confidence >= 90) return t("sure.very");
  if (confidence >= 60) return t("sure.quite");
  return t("sure.little");
}

function headline(answer, model, picture) {
  return el(
    "div",
    { class: "headline" },
    model === "ranjana" ? glyph(answer.predicted_class) : null,
    el(
      "p",
      {},
      el("strong", { class: "big" }, answerName(answer, model)),
      el("br"),
      `${confidenceWords(answer.confidence)} (${percent(answer.confidence / 100, 1)})`,
    ),
    picture,
  );
}

/** The likeliest classes, and the others behind a button: of digits all at once. */
function bars(answer, model) {
  const { top, probabilities = [] } = answer;
  if (model === "digits") return list(t("recognise.digits"), ranked(probabilities), model);
  const others = probabilities.length > top.length ? moreBars(answer, model) : null;
  return [list(t("recognise.top"), top, model), others];
}

function moreBars({ top, probabilities }, model) {
  const place = el("div", {});
  const details = el("details", {}, el("summary", {}, t("recognise.allClasses")), place);
  details.addEventListener("toggle", async () => {
    if (!details.open || place.hasChildNodes()) return;
    const characters = await loadCharacters();
    const shown = new Set(top.map((each) => each.class));
    const others = ranked(probabilities)
      .filter((each) => !shown.has(each.class))
      .map((each) => ({ ...characters[each.class], ...each }));
    fill(place, list(t("recognise.allClasses"), others, model));
  });
  return details;
}

/** `{class, character, confidence}` of each class, the likeliest first. */
const ranked = (probabilities) =>
  probabilities
    .map((share, index) => ({ class: index, character: String(index), confidence: 100 * share }))
    .sort((one, other) => other.confidence - one.confidence);

function list(label, candidates, model) {
  return el(
    "ol",
    { class: "bars", "aria-label": label },
    candidates.map((each) =>
      el(
        "li",
        {},
        el(
          "span",
          { class: "name" },
          model === "ranjana" ? glyph(each.class) : null,
          answerName(each, model),
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

function feedbackButtons(answer, model, onJudged) {
  const place = el("div", { class: "stack judgement" });
  if (!answer.prediction_id) {
    const link = el("a", { href: href("/sign-in", { next: "/" }) }, t("nav.signIn"));
    return fill(place, el("p", { class: "hint small" }, link, " ", t("feedback.signIn")));
  }
  const errors = el("div", {});
  const sendFeedback = async (actual) => {
    await post("/api/feedback/", { prediction_id: answer.prediction_id, actual_class: actual });
    onJudged();
    const right = actual === answer.predicted_class;
    fill(place, el("p", { class: "notice good" }, t(right ? "feedback.right" : "feedback.thanks")));
  };
  const choose = async () => {
    const classes = await loadClasses(model);
    fill(
      place,
      errors,
      classButtons(answer, classes, (actual) => attempt(() => sendFeedback(actual), errors)),
    );
    place.querySelector("button").focus();
  };
  return fill(
    place,
    errors,
    el(
      "p",
      { class: "row" },
      actionButton(t("feedback.isRight"), () => sendFeedback(answer.predicted_class), errors),
      actionButton(t("feedback.isWrong"), choose, errors),
    ),
  );
}

/** All classes of a model: characters, or `{class, character}` of Western digits. */
async function loadClasses(model) {
  if (model === "ranjana") return loadCharacters();
  return Array.from({ length: 10 }, (_, digit) => ({ class: digit, character: number(digit) }));
}

/** A button for each other class: the most likely ones first, then those of each group. */
function classButtons(answer, classes, onChoose) {
  const likely = answer.top.map((each) => classes[each.class]);
  const others = classes.filter((each) => !likely.includes(each));
  const choice = (each) =>
    button(each.reference ? glyph(each.class, characterName(each)) : each.character, () =>
      onChoose(each.class),
    );
  const set = (title, ...content) =>
    el("fieldset", { class: "alternatives" }, el("legend", {}, title), content);
  return set(
    t("feedback.which"),
    likely.filter((each) => each.class !== answer.predicted_class).map(choice),
    others[0].group
      ? byGroup(others).map(([group, members]) => set(t(`group.${group}`), members.map(choice)))
      : others.map(choice),
  );
}

/** The visitor's picture. Most browsers cannot show a HEIC, for which the service answers a JPEG. */
function ownPicture(answer, picture) {
  const alt = t("recognise.yours");
  if (answer.picture) return el("img", { class: "thumbnail", src: answer.picture, alt });
  return thumbnail(picture, alt);
}

function inputDetails(answer) {
  return el(
    "details",
    {},
    el("summary", {}, t("recognise.seen")),
    el(
      "div",
      { class: "row" },
      el("img", { class: "thumbnail", src: answer.processed_image, alt: t("recognise.ink") }),
    ),
    el("p", { class: "hint small" }, t("recognise.model.version", answer.model)),
  );
}
