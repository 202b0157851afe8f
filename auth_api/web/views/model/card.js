// The model card of the default version.

import { el } from "../../modules/dom.js";
import { t } from "../../modules/strings.js";
import { markdown } from "./markdown.js";

/** The part "model card". */
export function card({ model }) {
  const content = model.card
    ? markdown(model.card, 2)
    : el("p", { class: "hint" }, t("model.card.none"));
  return el("article", { class: "card stack prose", lang: "en" }, content);
}
