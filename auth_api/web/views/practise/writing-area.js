// The writing area: the pad with its lesson, the pens, strictness, and input of pictures.

import { characterName } from "../../modules/characters.js";
import { button, radioGroup } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { padTools } from "../../modules/pad-tools.js";
import { Pad } from "../../modules/pad.js";
import { pictureInputs } from "../../modules/pictures.js";
import { t } from "../../modules/strings.js";
import { LIMITS, writingOf } from "../../modules/writing.js";
import { strictness, STRICTNESSES } from "./attempts.js";
import { Guide } from "./guide.js";
import { isJudging, Lesson } from "./lesson.js";
import { STAGES } from "./stages.js";

/**
 * `{pad, tools, lesson, load, startOver}` for the attempts at `character`: the elements with the pad
 * and with its tools; `load` compares `{strokes}` or `{picture}`; `startOver` clears the pad for the
 * next attempt.
 */
export function writingArea({ character, layers, attempts, signal }) {
  const { drawing } = attempts;
  const pad = new Pad(drawing, t("practise.pad", { name: characterName(character) }));
  pad.ink.setAttribute("aria-description", `${t("pad.keys")} ${t("practise.pad.keys")}`);
  pad.ink.setAttribute("aria-keyshortcuts", "Enter Control+Enter");
  signal.addEventListener("abort", () => pad.close());
  const guide = new Guide(pad, character, layers, signal);
  const lesson = new Lesson(pad, guide, character);
  const errors = el("p", { class: "notice error", role: "alert", hidden: true });
  const showMessage = (message) => {
    errors.hidden = false;
    fill(errors, message);
  };

  const compare = button(t("practise.compare"), () => comparePad(), "primary");
  const updateButton = () => {
    const focused = document.activeElement === compare;
    compare.disabled = attempts.busy || pad.isEmpty;
    compare.setAttribute("aria-busy", String(attempts.busy));
    fill(compare, t(attempts.busy ? "practise.comparing" : "practise.compare"));
    if (focused) refocus = true; // a disabled button loses the focus
    if (refocus && !compare.disabled) {
      if (document.activeElement === document.body) compare.focus({ preventScroll: true });
      refocus = false;
    }
  };
  let refocus = false;
  const comparePad = () => {
    pad.endStroke();
    if (pad.isEmpty || attempts.busy) return;
    errors.hidden = true;
    const writing = writingOf(drawing);
    if (writing) attempts.compare(writing, lesson.help);
    else showMessage(t("pad.tooMuch", LIMITS));
  };
  pad.ink.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    comparePad();
  });
  pad.addEventListener("change", updateButton);
  lesson.addEventListener("complete", comparePad);
  attempts.addEventListener("change", updateButton, { signal });
  updateButton();

  const load = ({ strokes, picture }) => {
    errors.hidden = true;
    if (picture) return attempts.compare(picture, "none");
    lesson.load(strokes);
    return comparePad();
  };
  const startOver = () => {
    lesson.startOver();
    pad.element.scrollIntoView({ block: "nearest" });
    pad.ink.focus({ preventScroll: true });
  };
  const tools = [
    padTools(pad),
    el(
      "div",
      { class: "row helps" },
      judgingChoice(lesson),
      button(t("practise.hint"), () => lesson.hint()),
    ),
    compare,
    errors,
    strictnessChoice(attempts),
    el(
      "div",
      { class: "row" },
      pictureInputs({
        several: false,
        onPictures: ([picture]) => load({ picture }),
        onError: showMessage,
        signal,
      }),
    ),
    el("p", { class: "hint small" }, t("practise.drop")),
  ];
  return { pad: guidedPad(pad, guide, lesson), tools, lesson, load, startOver };
}

/** The pad, with the choice of help above it and what the learner is told below it. */
function guidedPad(pad, guide, lesson) {
  const text = el("p", { class: "guide-text small", role: "status" });
  const watch = button("", () => (guide.playing ? guide.stop() : lesson.watch()), "icon");
  const stages = el("div", {});
  let shownStage = null;
  const show = () => {
    fill(text, lesson.text);
    text.dataset.mood = lesson.mood;
    fill(watch, guide.playing ? "■" : "▶");
    watch.setAttribute("aria-label", t(`practise.strokes.${guide.playing ? "hide" : "show"}`));
    if (shownStage === lesson.stage) return;
    shownStage = lesson.stage;
    const options = STAGES.map((stage) => [stage, t(`practise.stage.${stage}`)]);
    const choose = (stage) => {
      shownStage = stage; // the chosen radio button keeps the focus
      lesson.choose(stage);
    };
    fill(stages, radioGroup(t("practise.stage"), options, shownStage, choose));
  };
  lesson.addEventListener("change", show);
  show();
  return el(
    "div",
    { class: "writing" },
    el("div", { class: "row helps" }, watch, stages),
    pad.element,
    text,
  );
}

function judgingChoice(lesson) {
  const change = ({ target }) => lesson.judge(target.checked);
  return el(
    "label",
    { class: "check" },
    el("input", { type: "checkbox", checked: isJudging(), on: { change } }),
    t("practise.judging"),
  );
}

function strictnessChoice(attempts) {
  const options = STRICTNESSES.map((name) => [name, t(`practise.strictness.${name}`)]);
  const means = el("p", { class: "hint small", role: "status" });
  const explain = (name) => fill(means, t(`practise.strictness.${name}.means`));
  explain(strictness());
  return el(
    "div",
    { class: "strictness" },
    el("p", { class: "small", "aria-hidden": "true" }, t("practise.strictness")),
    radioGroup(t("practise.strictness"), options, strictness(), (chosen) => {
      explain(chosen);
      attempts.chooseStrictness(chosen);
    }),
    means,
  );
}
