// A name as letters to write, each with what the learner has drawn. Drawings stay when another view
// is shown, and when the language changes.

import { currentUser } from "../../modules/session.js";
import { shapeOf } from "./shapes.js";

// Consonants joined by viramas, or a vowel, with signs; or ॐ, a digit, or another sign that stands
// alone. Not Intl.Segmenter: it splits conjuncts in browsers before Unicode 15.1.
const CONSONANT = "[\\u0915-\\u0939]";
const VOWEL = "[\\u0905-\\u090c\\u090f\\u0910\\u0913\\u0914\\u0960\\u0961]";
const SIGN = "[\\u0901-\\u0903\\u093e-\\u0944\\u0947\\u0948\\u094b-\\u094d\\u0962\\u0963]";
const ALONE = "[\\u0950\\u093d\\u0964-\\u096f]";
const JOINER = "\\u094d[\\u200c\\u200d]?";
const AKSHARA = new RegExp(
  `(?:${CONSONANT}${JOINER})*(?:${CONSONANT}${SIGN}*)|${VOWEL}${SIGN}*|${ALONE}`,
  "g",
);

const drawings = new Map();
let owner = null;

/** `{words, unknown}` of a text: words as lists of aksharas, and what Ranjana cannot write. */
export function parse(text) {
  const unknown = text.replace(AKSHARA, "").replaceAll(" ", "");
  return { words: text.split(" ").map((word) => word.match(AKSHARA) ?? []), unknown };
}

/**
 * Letters in the order of writing, `{text, word, shape, drawing}`, for words as lists of aksharas.
 * `drawing` is of modules/pad.js; its `written` says whether the letter is complete.
 */
export function lettersOf(words) {
  const user = currentUser()?.username ?? null;
  if (owner !== user) drawings.clear();
  owner = user;
  const letters = words.flatMap((word, place) => word.map((text) => ({ text, word: place })));
  return letters.map((letter, index) => {
    const key = `${index} ${letter.text}`;
    if (!drawings.has(key)) drawings.set(key, { written: false });
    return { ...letter, shape: shapeOf(letter.text), drawing: drawings.get(key) };
  });
}
