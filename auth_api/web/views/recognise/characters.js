// All characters of one picture: their boxes over it, one of which is chosen and described.

import { el, fill } from "../../modules/dom.js";
import { t } from "../../modules/strings.js";
import { characterDetails, resultDetails, summary } from "./result.js";

let groupCount = 0;

/**
 * The card for a response of `/api/predict/?several=true`.
 * @param {object} answer the response
 * @param {object} main the response about the largest character alone; it can get feedback
 * @param {{model: string, picture: Blob, compare: (character: object) => void}} options
 */
export function charactersCard(answer, main, { model, picture, compare }) {
  const { characters } = answer;
  const details = el("div", { class: "stack" });
  const show = (character) => {
    const options = { model, compare: () => compare(character) };
    const isMain = character.processed_image === answer.processed_image;
    fill(
      details,
      isMain ? resultDetails(main, options) : characterDetails(character, options),
      el("img", {
        class: "thumbnail",
        src: character.processed_image,
        alt: t("recognise.ink"),
      }),
    );
  };
  const first = characters.find((each) => each.processed_image === answer.processed_image);
  const src = URL.createObjectURL(picture);
  const release = () => URL.revokeObjectURL(src);
  const name = `character-${++groupCount}`;
  const marks = characters.map((character, index) =>
    mark(character, model, t("recognise.place", { number: index + 1, count: characters.length }), {
      name,
      checked: character === first,
      change: () => show(character),
    }),
  );
  show(first);
  return el(
    "div",
    { class: "card stack result" },
    el("h2", {}, t("recognise.characters", { count: characters.length })),
    el(
      "fieldset",
      { class: "marked" },
      el("legend", { class: "hint small" }, t("recognise.choose")),
      el(
        "div",
        { class: "picture" },
        el("img", { src, alt: t("recognise.yours"), on: { load: release, error: release } }),
        marks,
      ),
    ),
    details,
  );
}

/** A radio button over the box of a character. */
function mark(character, model, place, { name, checked, change }) {
  const [left, top, width, height] = character.box.map((share) => `${100 * share}%`);
  return el(
    "label",
    { style: { left, top, width, height } },
    el("input", { type: "radio", name, checked, class: "visually-hidden", on: { change } }),
    el("span", { class: "visually-hidden" }, `${place}: ${summary(character, model)}`),
  );
}
