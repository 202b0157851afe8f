// The writing area: the pad with its guidance, the pens, strictness, and input of pictures.

import { characterName } from "../../modules/characters.js";
import { button, radioGroup } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { padTools } from "../../modules/pad-tools.js";
import { Pad } from "../../modules/pad.js";
import { pictureInputs } from "../../modules/pictures.js";
import { remember, remembered } from "../../modules/storage.js";
import { t } from "../../modules/strings.js";
import { LIMITS, writingOf } from "../../modules/writing.js";
import { strictness, STRICTNESSES } from "./attempts.js";
import { Guide } from "./guide.js";

/**
 * `{element, load, startOver}` for the attempts at `character`: `load` compares `{strokes}` or
 * `{picture}`; `startOver` clears the pad for the next attempt.
 */
export function writingArea({ character, layers, attempts, signal }) {
  const { drawing } = attempts;
  const pad = new Pad(drawing, t("practise.pad", { name: characterName(character) }));
  pad.ink.setAttribute("aria-description", `${t("pad.keys")} ${t("practise.pad.keys")}`);
  pad.ink.setAttribute("aria-keyshortcuts", "Enter Control+Enter");
  signal.addEventListener("abort", () => pad.close());
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
    if (writing) attempts.compare(writing);
    else showMessage(t("pad.tooMuch", LIMITS));
  };
  pad.ink.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    comparePad();
  });
  pad.addEventListener("change", updateButton);
  attempts.addEventListener("change", updateButton, { signal });
  updateButton();

  const load = ({ strokes, picture }) => {
    errors.hidden = true;
    if (picture) return attempts.compare(picture);
    pad.load(strokes);
    return comparePad();
  };
  const startOver = () => {
    pad.clear();
    pad.element.scrollIntoView({ block: "nearest" });
    pad.ink.focus({ preventScroll: true });
  };
  const element = [
    guidedPad(pad, character, layers, signal),
    padTools(pad),
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
  return { element, load, startOver };
}

/** The pad, with the switches for its guidance. */
function guidedPad(pad, character, layers, signal) {
  const guide = new Guide(pad, character, layers, signal);
  const text = el("p", { class: "guide-text small", role: "status" });
  const play = button(t("practise.strokes.show"), () =>
    guide.playing ? guide.stop() : guide.play(),
  );
  const show = () => {
    fill(text, guide.text);
    fill(play, t(guide.playing ? "practise.strokes.hide" : "practise.strokes.show"));
  };
  guide.addEventListener("change", show);
  const traced = remembered("trace", "on") === "on";
  guide.trace(traced);
  const trace = ({ target }) => {
    remember("trace", target.checked ? "on" : "off");
    guide.trace(target.checked);
  };
  const row = el(
    "div",
    { class: "row helps" },
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", checked: traced, on: { change: trace } }),
      t("practise.trace"),
    ),
    character.strokes.length ? [play, button(t("practise.hint"), () => guide.hint())] : null,
  );
  return el("div", { class: "writing" }, row, pad.element, text);
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
