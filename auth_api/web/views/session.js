// The end of a practice session: what was written, and how well.

import { characterName, glyph, loadCharacters } from "../modules/characters.js";
import { linkButton } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { href } from "../modules/router.js";
import { number, t } from "../modules/strings.js";
import { session } from "./practise/session.js";

export default async function view() {
  const characters = await loadCharacters();
  const best = bestScores(session()?.scores ?? []);
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("session.title")),
    el("p", {}, t("session.count", { count: best.size })),
    el(
      "ul",
      { class: "session-letters" },
      [...best].map(([index, score]) =>
        el(
          "li",
          {},
          glyph(index),
          el("a", { href: href(`/practise/${index}`) }, characterName(characters[index])),
          el("span", { class: "number" }, number(score)),
        ),
      ),
    ),
    el("p", { class: "row" }, linkButton(t("session.on"), href("/practise"), "primary")),
  );
}

/** The best mark of each class, in the order of writing. */
function bestScores(scores) {
  const best = new Map();
  for (const [index, score] of scores) best.set(index, Math.max(score, best.get(index) ?? 0));
  return best;
}
