// The filter of the history by character or Western digit.

import { byGroup, characterName } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";

const DIGITS = 10;

/**
 * A select of characters, and of Western digits if `digits` is true. Its values are "" for all, "12"
 * for a character and "digit-8" for a Western digit.
 */
export function characterFilter(classes, chosen, digits, choose) {
  const option = (each) => el("option", { value: each.class }, characterName(each));
  const select = el(
    "select",
    { id: "filter", on: { change: () => choose(select.value) } },
    el("option", { value: "" }, t("history.all")),
    byGroup(classes).map(([name, members]) => group(t(`group.${name}`), members.map(option))),
    digits ? group(t("recognise.model.digits"), digitOptions()) : null,
  );
  select.value = chosen;
  return el("p", { class: "row" }, el("label", { for: "filter" }, t("history.filter")), select);
}

/** `{class, model}` of a value of the select; both are null for all. */
export function parseFilter(value) {
  if (value === "") return { class: null, model: null };
  const digit = value.startsWith("digit-");
  return { class: Number(value.replace("digit-", "")), model: digit ? "digits" : "ranjana" };
}

const group = (label, options) => el("optgroup", { label }, options);

const digitOptions = () =>
  Array.from({ length: DIGITS }, (_, digit) =>
    el("option", { value: `digit-${digit}` }, number(digit)),
  );
