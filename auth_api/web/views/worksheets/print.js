// The choice of a sheet to print.

import { characterName, glyph, GROUPS } from "../../modules/characters.js";
import { card } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { field, options, select } from "../../modules/forms.js";
import { replaceQuery } from "../../modules/router.js";
import { currentUser } from "../../modules/session.js";
import { remember, remembered } from "../../modules/storage.js";
import { t } from "../../modules/strings.js";
import { FAMILIES } from "../practise/path.js";
import { choiceOf, classesOf } from "./letters.js";
import { duePdfButton, pdfLink } from "./pdf.js";

const HELPS = ["traced", "hinted", "none"];
const ROWS = ["4", "5", "6", "7", "8"];
const PAPERS = ["a4", "letter"];
const MAX_LENGTH = 200;

/** The card. `query` is that of the view; it follows the choice of letters. */
export function printCard(query, characters) {
  let choice = choiceOf(query);
  const letters = field(t("worksheets.letters"), letterSelect(choice));
  const typed = el("input", {
    value: choice.text ?? "",
    maxlength: MAX_LENGTH,
    autocomplete: "off",
    spellcheck: "false",
  });
  const text = field(t("worksheets.text"), typed, { hint: t("worksheets.text.hint") });
  const looks = {
    help: optionField("help", HELPS, "traced", (each) => t(`worksheets.help.${each}`)),
    rows: optionField("rows", ROWS, "6", (rows) =>
      t("worksheets.rows.choice", { rows: Number(rows), cells: rows - 2 }),
    ),
    paper: optionField("paper", PAPERS, "a4", (each) => t(`worksheets.paper.${each}`)),
  };
  const preview = el("div", { class: "stack tight" });
  const way = el("p", {});
  const errors = el("div", {});
  const show = () => {
    text.element.hidden = choice.text === undefined;
    const look = Object.fromEntries(
      Object.entries(looks).map(([name, { control }]) => [name, control.value]),
    );
    const classes = classesOf(choice, characters);
    fill(errors);
    fill(preview, previewOf(choice, classes, look, characters));
    const label = t("worksheets.download");
    if (!classes) fill(way, duePdfButton(label, look, errors));
    else fill(way, classes.length ? pdfLink(label, classes, look, errors) : null);
  };
  const choose = (chosen) => {
    choice = chosen;
    replaceQuery(choice);
    show();
  };
  letters.control.addEventListener("change", () => {
    const [kind, value] = letters.control.value.split(":");
    choose({ [kind]: kind === "text" ? typed.value : value });
  });
  typed.addEventListener("input", () => choose({ text: typed.value }));
  for (const [name, { control }] of Object.entries(looks)) {
    control.addEventListener("change", () => {
      remember(`worksheet-${name}`, control.value);
      show();
    });
  }
  show();
  return card(
    t("worksheets.print"),
    letters.element,
    text.element,
    preview,
    el(
      "div",
      { class: "looks" },
      Object.values(looks).map(({ element }) => element),
    ),
    way,
    errors,
  );
}

/** All choices, with `kind:value` as values. */
function letterSelect(choice) {
  const [[kind, value]] = Object.entries(choice);
  const named = (name, names, label) =>
    names.map((each) => [`${name}:${each}`, t(`${label}.${each}`)]);
  const families = FAMILIES.map(([name]) => name);
  const own = [
    ...(currentUser() ? [["due:yes", t("worksheets.letters.due")]] : []),
    ...(kind === "characters" ? [[`characters:${value}`, t("worksheets.letters.chosen")]] : []),
    ["text:", t("worksheets.letters.text")],
  ];
  const chosen = kind === "text" ? "text:" : `${kind}:${value}`;
  const set = (label, choices) => el("optgroup", { label }, options(choices, chosen));
  return el(
    "select",
    {},
    options(own, chosen),
    set(t("worksheets.families"), named("family", families, "family")),
    set(t("worksheets.groups"), named("group", GROUPS, "practise.show")),
  );
}

/** A choice that the browser remembers. */
function optionField(name, values, usual, label) {
  const stored = remembered(`worksheet-${name}`);
  const chosen = values.includes(stored) ? stored : usual;
  const choices = values.map((each) => [each, label(each)]);
  return field(t(`worksheets.${name}`), select(choices, chosen));
}

/** What will be printed. */
function previewOf({ text }, classes, { rows }, characters) {
  if (!classes) return el("p", { class: "hint" }, t("worksheets.due.what"));
  if (!classes.length) {
    const problem = text.trim() ? "worksheets.text.none" : "worksheets.text.empty";
    return el("p", { class: "hint", role: "status" }, t(problem));
  }
  const pages = Math.ceil(classes.length / Number(rows));
  const counts = [
    t("worksheets.count", { count: classes.length }),
    t("worksheets.pages", { count: pages }),
  ];
  return [
    el(
      "ul",
      { class: "sheet-letters" },
      classes.map((index) => el("li", {}, glyph(index, characterName(characters[index])))),
    ),
    el("p", { class: "hint small", role: "status" }, counts.join(" · ")),
  ];
}
