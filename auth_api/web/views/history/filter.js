// Which characters of the history are shown.

import { called } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";

const DIGITS = 10;

/**
 * A choice of one character, or of one digit where `digits` says that there are such. Its values
 * are "" for all, "12" for a character and "digit-8" for a digit.
 */
export function characterFilter(classes, chosen, digits, choose) {
  const select = el(
    "select",
    { id: "filter", on: { change: () => choose(select.value) } },
    el("option", { value: "" }, t("history.all")),
    digits ? group(t("recognise.model.ranjana"), characters(classes)) : characters(classes),
    digits ? group(t("recognise.model.digits"), numerals()) : null,
  );
  select.value = chosen;
  return el("p", { class: "row" }, el("label", { for: "filter" }, t("history.filter")), select);
}

/** `{class, model}` of a value; model is null for all. */
export function meaning(value) {
  if (value === "") return { class: null, model: null };
  const digit = value.startsWith("digit-");
  return { class: Number(value.replace("digit-", "")), model: digit ? "digits" : "ranjana" };
}

const group = (label, options) => el("optgroup", { label }, options);

const characters = (classes) =>
  classes.map((each) => el("option", { value: each.class }, called(each)));

const numerals = () =>
  Array.from({ length: DIGITS }, (_, digit) =>
    el("option", { value: `digit-${digit}` }, number(digit)),
  );
