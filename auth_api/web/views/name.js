// Write my name: a name in Ranjana, written letter by letter.

import { loadCharacters } from "../modules/characters.js";
import { linkButton } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { field } from "../modules/forms.js";
import { keepsake } from "../modules/keepsake.js";
import { loadRanjanaFont } from "../modules/ranjana-font.js";
import { errorCard, href, replaceQuery } from "../modules/router.js";
import { loadStrings, t } from "../modules/strings.js";
import { toDevanagari } from "../modules/transliteration.js";
import { lettersOf, parse } from "./name/letters.js";
import { namePicture } from "./name/picture.js";
import { tracing } from "./name/tracing.js";

const LICENCE = new URL("../fonts/OFL.txt", import.meta.url);
const MAX_LENGTH = 40;
// After a letter is written, before the next one opens.
const PAUSE_MILLISECONDS = 900;

export default async function view({ query, signal }) {
  const [characters] = await Promise.all([
    loadCharacters(),
    loadRanjanaFont(),
    ...["feedback", "practise"].map(loadStrings),
  ]);
  const given = query.text ?? "";
  const typed = field(t("name.typed"), textInput(given), { hint: t("name.typed.hint") });
  const devanagari = field(t("name.devanagari"), textInput(asDevanagari(given), "ne"), {
    hint: t("name.devanagari.hint"),
  });
  const told = el("p", { class: "hint", role: "status" });
  const place = el("div", { class: "stack" });
  let replaced = new AbortController();
  const show = () => {
    const text = asDevanagari(devanagari.value());
    const problem = problemOf(text);
    devanagari.element.hidden = asDevanagari(typed.value()) === tidy(typed.value());
    fill(told, problem);
    told.hidden = !problem;
    replaceQuery({ text });
    replaced.abort();
    replaced = new AbortController();
    fill(place, problem ? null : nameToWrite(text, characters, signal, replaced.signal));
  };
  typed.control.addEventListener("input", () => {
    devanagari.control.value = asDevanagari(typed.value());
    show();
  });
  devanagari.control.addEventListener("input", show);
  show();
  return [
    el("h1", {}, t("name.title")),
    el(
      "div",
      { class: "stack" },
      el("section", { class: "card stack no-print" }, typed.element, devanagari.element, told),
      place,
      el(
        "p",
        { class: "hint small no-print" },
        t("name.font"),
        " ",
        el("a", { href: LICENCE.href }, "SIL Open Font License"),
      ),
    ),
  ];
}

const textInput = (value, lang = null) =>
  el("input", { value, lang, maxlength: MAX_LENGTH, autocomplete: "off", spellcheck: "false" });

/** Without spaces at the ends or twice, and without nuktas, which the script does not have. */
const tidy = (text) => text.normalize("NFC").replace(/़/g, "").trim().replace(/\s+/g, " ");

const asDevanagari = (text) => tidy(toDevanagari(text));

/** A sentence about what hinders the writing of `text`, or null. */
function problemOf(text) {
  if (!text) return t("name.empty");
  if (text.length > MAX_LENGTH) return t("name.tooLong", { count: MAX_LENGTH });
  const { unknown } = parse(text);
  return unknown ? t("name.unknown", { signs: unknown }) : null;
}

/** The name in the font, its letters, the pad for one of them, and in the end the picture. */
function nameToWrite(text, characters, leaving, replaced) {
  const signal = AbortSignal.any([leaving, replaced]);
  const letters = lettersOf(parse(text).words);
  const tiles = letters.map((letter, index) => tile(letter, () => open(index)));
  const place = el("div", {});
  const result = el("div", {});
  let current = null; // AbortController of the open letter
  const update = () => {
    letters.forEach(({ drawing, text: akshara }, index) => {
      const key = drawing.written ? "name.tile.written" : "name.tile";
      tiles[index].classList.toggle("written", drawing.written);
      tiles[index].setAttribute("aria-label", t(key, { letter: akshara }));
    });
    const isComplete = letters.every(({ drawing }) => drawing.written);
    fill(result, isComplete ? resultOf(text, letters) : null);
    return isComplete;
  };
  const open = async (index) => {
    current?.abort();
    current = new AbortController();
    const { signal: closed } = current;
    tiles.forEach((each, at) => each.setAttribute("aria-pressed", String(at === index)));
    const letter = letters[index];
    const character = characters.find((each) => each.character === letter.text);
    const until = AbortSignal.any([signal, closed]);
    let timer = null;
    let goesOn = false; // since the letter was completed, also while more is drawn
    until.addEventListener("abort", () => clearTimeout(timer));
    const onChange = (completed) => {
      clearTimeout(timer);
      const isComplete = update();
      goesOn = letter.drawing.written && (goesOn || completed);
      if (until.aborted || !goesOn) return;
      if (isComplete) result.scrollIntoView({ block: "nearest" });
      else timer = setTimeout(openNext, PAUSE_MILLISECONDS, index);
    };
    try {
      const { element, pad } = await tracing({ letter, character, onChange, signal: until });
      pad.addEventListener("begin", () => clearTimeout(timer));
      const hadFocus = place.contains(document.activeElement);
      fill(place, element);
      if (hadFocus) pad.ink.focus({ preventScroll: true });
    } catch (error) {
      if (!until.aborted)
        fill(
          place,
          errorCard(error, () => open(index)),
        );
    }
  };
  const openNext = (index) => {
    const order = [...letters.keys()].map((step) => (index + 1 + step) % letters.length);
    open(order.find((each) => !letters[each].drawing.written));
  };
  update();
  openNext(-1);
  return [
    el("p", { class: "ranjana written-name no-print", lang: "ne" }, text),
    el(
      "ol",
      { class: "letters no-print", "aria-label": t("name.letters") },
      tiles.map((each) => el("li", {}, each)),
    ),
    el("p", { class: "no-print" }, linkButton(t("name.paper"), href("/worksheets", { text }))),
    el("div", { class: "no-print" }, place),
    result,
  ];
}

const tile = ({ text }, onClick) =>
  el(
    "button",
    { class: "ranjana letter", type: "button", lang: "ne", on: { click: onClick } },
    text,
  );

function resultOf(text, letters) {
  const alt = t("name.picture", { name: text });
  return keepsake(t("name.done"), namePicture(letters, text), alt, `${text}.png`);
}
