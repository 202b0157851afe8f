// Writing one letter of a name. A letter of the alphabet is a lesson: its strokes are judged when the
// pen lifts. Any other is traced on its shape, until most of that is covered.

import { characterName } from "../../modules/characters.js";
import { button } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { padTools } from "../../modules/pad-tools.js";
import { Pad } from "../../modules/pad.js";
import { href } from "../../modules/router.js";
import { t } from "../../modules/strings.js";
import { themeColour } from "../../modules/theme-colours.js";
import { Guide } from "../practise/guide.js";
import { isJudging, Lesson } from "../practise/lesson.js";
import { loadLayers } from "../practise/stroke-layers.js";
import { coverage, drawShape } from "./shapes.js";

const TRACE_OPACITY = 0.16;
// Share of a shape that is covered when the letter is written.
const COVERED = 0.85;

/**
 * `{element, pad}` for a letter (letters.js). `character` is of modules/characters.js, or undefined
 * for a letter with signs and a conjunct. `onChange(completed)` is called after each change.
 */
export async function tracing({ letter, character, onChange, signal }) {
  const { drawing, shape, text } = letter;
  const layers = character ? await loadLayers(character, signal) : null;
  signal.throwIfAborted();
  const pad = new Pad(drawing, t("name.pad", { letter: text }));
  signal.addEventListener("abort", () => pad.close());
  const told = el("p", { class: "guide-text small", role: "status" });
  const tell = (sentence, mood = "") => {
    fill(told, sentence);
    told.dataset.mood = mood;
  };
  let lesson = null;
  if (character) {
    const guide = new Guide(pad, character, layers, signal);
    lesson = new Lesson(pad, guide, character);
    lesson.addEventListener("change", () => tell(lesson.text, lesson.mood));
  } else {
    pad.addPainter((context, side) => {
      drawShape(context, side, shape, themeColour("--ink"), TRACE_OPACITY);
    });
  }
  // The shape is hidden from a learner who knows the letter by heart.
  tell(t(lesson?.stage === "memory" ? "name.pad" : "name.trace", { letter: text }));
  const isWritten = () =>
    lesson && isJudging()
      ? drawing.strokes.length >= character.strokes.length
      : coverage(shape, drawing) >= COVERED;
  const colourOf = pad.colourOf;
  pad.colourOf = (index) => (drawing.written ? "--good" : colourOf(index));
  pad.addEventListener("change", () => {
    const before = drawing.written;
    drawing.written = isWritten();
    pad.paint();
    if (drawing.written) tell(t("name.written", { letter: text }), "good");
    onChange(drawing.written && !before);
  });
  const element = el(
    "section",
    { class: "card stack tracing" },
    el("h2", { class: "visually-hidden" }, t("name.pad", { letter: text })),
    el("div", { class: "writing" }, pad.element, told),
    lesson ? lessonTools(lesson, character) : null,
    padTools(pad),
  );
  return { element, pad };
}

function lessonTools(lesson, character) {
  return el(
    "div",
    { class: "row helps" },
    button(t("practise.strokes.show"), () => lesson.watch()),
    button(t("practise.hint"), () => lesson.hint()),
    el(
      "a",
      { class: "small", href: href(`/practise/${character.class}`) },
      t("name.practise", { name: characterName(character) }),
    ),
  );
}
