// Cards for the characters to practise next.

import { characterName, glyph } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

/** The cards of `next` in a response of `/api/progress/`. */
export const nextCards = (next) =>
  el(
    "ul",
    { class: "next" },
    next.map((each) =>
      el(
        "li",
        {},
        el(
          "a",
          { class: "card", href: href(`/practise/${each.class}`) },
          glyph(each.class),
          el("strong", {}, characterName(each)),
          el("span", { class: "badge" }, t(`progress.reason.${each.reason}`)),
        ),
      ),
    ),
  );
