// Where a character is written: the pad with its helps, the pens, and what is asked of the attempt.

import { el, fill } from "../../modules/dom.js";
import { called } from "../../modules/characters.js";
import { choices, padTools, tool } from "../../modules/pad-tools.js";
import { Pad } from "../../modules/pad.js";
import { pictureInputs } from "../../modules/pictures.js";
import { remember, remembered } from "../../modules/storage.js";
import { t } from "../../modules/strings.js";
import { strictness, STRICTNESSES } from "./attempts.js";
import { Guide } from "./guide.js";

/**
 * `{element, take, onceMore}` for the attempts at `character`: `take` compares `{strokes}` or
 * `{picture}` at once, `onceMore` clears the pad for the next attempt.
 */
export function workplace({ character, layers, attempts, signal }) {
  const { drawing } = attempts;
  const pad = new Pad(drawing, t("practise.pad", { name: called(character) }));
  pad.ink.setAttribute("aria-description", `${t("pad.keys")} ${t("practise.pad.keys")}`);
  pad.ink.setAttribute("aria-keyshortcuts", "Enter Control+Enter");
  signal.addEventListener("abort", () => pad.close());
  const said = el("p", { class: "notice error", role: "alert", hidden: true });
  const fail = (message) => {
    said.hidden = false;
    fill(said, message);
  };

  const compare = el("button", { class: "button primary", type: "button" }, t("practise.compare"));
  const ready = () => {
    const focused = document.activeElement === compare;
    compare.disabled = attempts.busy || pad.isEmpty;
    compare.setAttribute("aria-busy", String(attempts.busy));
    fill(compare, t(attempts.busy ? "practise.comparing" : "practise.compare"));
    if (focused) waiting = true; // a disabled button loses the focus
    if (waiting && !compare.disabled) {
      if (document.activeElement === document.body) compare.focus({ preventScroll: true });
      waiting = false;
    }
  };
  let waiting = false;
  const judge = async () => {
    pad.lift();
    if (pad.isEmpty || attempts.busy) return;
    said.hidden = true;
    const ink = JSON.stringify(drawing.strokes);
    attempts.compare(await pad.picture(), ink);
  };
  compare.addEventListener("click", judge);
  pad.ink.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    judge();
  });
  pad.addEventListener("change", ready);
  attempts.addEventListener("change", ready, { signal });
  ready();

  const take = ({ strokes, picture }) => {
    said.hidden = true;
    if (picture) return attempts.compare(picture, picture);
    drawing.strokes = strokes;
    pad.paint();
    ready();
    return judge();
  };
  const onceMore = () => {
    pad.clear();
    pad.element.scrollIntoView({ block: "nearest" });
    pad.ink.focus({ preventScroll: true });
  };
  const element = [
    helps(pad, character, layers, signal),
    padTools(pad),
    compare,
    said,
    strictnessChoice(attempts),
    el(
      "div",
      { class: "row" },
      pictureInputs({ several: false, take: ([picture]) => take({ picture }), fail, signal }),
    ),
    el("p", { class: "hint small" }, t("practise.drop")),
  ];
  return { element, take, onceMore };
}

/** The pad with the switches of what lies under the ink. */
function helps(pad, character, layers, signal) {
  const guide = new Guide(pad, character, layers, signal);
  const says = el("p", { class: "says small", role: "status" });
  const play = tool(t("practise.strokes.show"), () =>
    guide.playing ? guide.stop() : guide.play(),
  );
  const show = () => {
    fill(says, guide.says);
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
    play,
    tool(t("practise.hint"), () => guide.hint()),
  );
  return el("div", { class: "writing" }, row, pad.element, says);
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
    choices(t("practise.strictness"), options, strictness(), (chosen) => {
      explain(chosen);
      attempts.chooseStrictness(chosen);
    }),
    means,
  );
}
