// What to do after a sheet: another one with its weakest letters.

import { characterName } from "../../modules/characters.js";
import { linkButton } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, t } from "../../modules/strings.js";
import { pdfLink } from "./pdf.js";
import { ranked } from "./verdicts.js";

/**
 * The weakest half of the written characters with their marks, and a sheet of them that looks as
 * `sheet` does. Nothing if none is written.
 */
export function nextSheet(cells, { rows, help, paper }) {
  const letters = ranked(cells);
  const weakest = letters.slice(0, Math.min(rows, Math.ceil(letters.length / 2)));
  if (!weakest.length) return null;
  const classes = weakest.map((each) => each.class);
  const errors = el("div", {});
  const practise = (each) =>
    el(
      "a",
      { href: href(`/practise/${each.class}`) },
      `${characterName(each)}: ${number(each.score)}`,
    );
  return el(
    "div",
    { class: "stack" },
    el(
      "div",
      {},
      el("h3", {}, t("worksheets.weakest")),
      el(
        "ul",
        { class: "weakest" },
        weakest.map((each) => el("li", {}, practise(each))),
      ),
    ),
    el(
      "p",
      { class: "row" },
      pdfLink(t("worksheets.next"), classes, { rows, help, paper }, errors),
      linkButton(t("worksheets.adapt"), href("/worksheets", { characters: classes.join() })),
    ),
    errors,
  );
}
