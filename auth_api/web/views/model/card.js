// The model card of the default version.

import { el } from "../../modules/dom.js";
import { hasString, t } from "../../modules/strings.js";
import { markdown } from "./markdown.js";

/** The part "model card": a description in the language of the page, and the card in English. */
export function card({ model }) {
  const about = `model.about.${model.name}`;
  const content = model.card
    ? el("article", { class: "card stack prose", lang: "en" }, markdown(model.card, 2))
    : el("p", { class: "card hint" }, t("model.card.none"));
  return [hasString(about) ? el("p", { class: "card prose" }, t(about)) : null, content];
}
