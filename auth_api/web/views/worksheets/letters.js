// The letters of a sheet: a family, a group, those of a text, chosen ones, or what is due.

import { GROUPS } from "../../modules/characters.js";
import { currentUser } from "../../modules/session.js";
import { toDevanagari } from "../../modules/transliteration.js";
import { FAMILIES, PATH } from "../practise/path.js";

/**
 * The choice that the query of the view names, as a query: `{family}`, `{group}`, `{text}`,
 * `{characters}` or `{due}`. Without one it is what is due, or the first family for a guest.
 */
export function choiceOf({ family, group, text, characters }) {
  if (FAMILIES.some(([name]) => name === family)) return { family };
  if (GROUPS.includes(group)) return { group };
  if (text !== undefined) return { text };
  if (classesIn(characters).length) return { characters: classesIn(characters).join() };
  return currentUser() ? { due: "yes" } : { family: FAMILIES[0][0] };
}

/** The classes of a choice; null for what is due, which the service knows. */
export function classesOf({ family, group, text, characters: chosen }, characters) {
  if (family) return FAMILIES.find(([name]) => name === family)[1];
  if (group) return characters.filter((each) => each.group === group).map((each) => each.class);
  if (text !== undefined) return classesOfText(toDevanagari(text), characters);
  return chosen ? classesIn(chosen) : null;
}

/**
 * The characters of a text in order, each once, as the service reads one
 * (auth_api/worksheets/selection.py): the longest first, so that क्ष is one.
 */
export function classesOfText(text, characters) {
  const known = new Map(characters.map((each) => [each.character, each.class]));
  const longestFirst = [...known.keys()].sort((one, other) => other.length - one.length);
  const found = text.normalize("NFC").match(new RegExp(longestFirst.join("|"), "g")) ?? [];
  return [...new Set(found.map((character) => known.get(character)))];
}

/** The classes of a list such as `0,2,19`, each once. */
function classesIn(list = "") {
  const numbers = list.split(",").filter((each) => /^\d+$/.test(each));
  return [...new Set(numbers.map(Number))].filter((index) => PATH.includes(index));
}
