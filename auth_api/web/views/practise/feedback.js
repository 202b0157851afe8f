// The sentences about a comparison, from its faults. In English they are those of the service
// (handlers/feedback.py, handlers/similarity.py). The words are in strings/*/feedback.js: a view
// loads them. The names of parts come from archive_scripts/letterforms/part_names.py.

import { hasString, t } from "../../modules/strings.js";

const MAX_SENTENCES = 4;

// `[row][column]` of the regions.
const PLACES = [
  ["upper left", "upper", "upper right"],
  ["left", "middle", "right"],
  ["lower left", "lower", "lower right"],
];

/**
 * One to four sentences, the worst fault first: `{text, fault}`, `fault` null in those about none.
 * `answer` is of `/api/similarity/`, or an entry of the history that has faults.
 */
export function sentencesOf(answer) {
  const sentences = answer.faults.map((fault) => ({ text: faultText(fault, answer), fault }));
  const say = (key, values = answer) => ({ text: t(`feedback.${key}`, values), fault: null });
  if (!answer.is_same_character) {
    if (!sentences.length) sentences.push(say("compare"));
    sentences.unshift(say(...verdictOf(answer)));
  } else if (!sentences.length) sentences.push(say("praise"));
  else if (sentences.length === 1) sentences.push(say("rest"));
  if (!answer.others) return sentences.slice(0, MAX_SENTENCES);
  const largest = say("largest", { count: answer.others + 1 });
  return [...sentences.slice(0, MAX_SENTENCES - 1), largest];
}

/** The nearest character, if the writing could be taken for it and it is not the wanted one. */
export function confusedWith({ nearest: [nearest], compared_with_class: wanted, threshold }) {
  // Even the nearest character may be too far away to be mistaken for it.
  return nearest.class !== wanted && nearest.distance < threshold ? nearest : null;
}

/** The name of a part of a character in the current language. */
export const partName = (name) =>
  name.replace(/top bar|\w+/g, (word) => (hasString(`part.${word}`) ? t(`part.${word}`) : word));

function verdictOf(answer) {
  const other = confusedWith(answer);
  return other ? ["other", { ...other, wanted: answer.character }] : ["hard"];
}

function faultText({ fault, part, stroke, end, direction, row, column }, { character, name }) {
  const whole = { character, name, direction: direction && t(`direction.${direction}`) };
  if (fault === "proportion") return t(`fault.${direction}`, whole);
  if (fault === "shifted" && stroke === null) return t("fault.shifted.whole", whole);
  return t(`fault.${fault}`, {
    ...whole,
    part: part && partName(part),
    end: end && t(`end.${end}`),
    place: t(`place.${fault === "extra" ? PLACES[row][column] : (end ?? "middle")}`),
  });
}
