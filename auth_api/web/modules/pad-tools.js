// The buttons beside a drawing area.

import { el } from "./dom.js";
import { PENS } from "./pens.js";
import { remember, remembered } from "./storage.js";
import { t } from "./strings.js";

/** Pen, undo and clear for `pad`; `more` are further buttons. */
export function padTools(pad, ...more) {
  pad.pen = remembered("pen", "nib");
  const undo = tool(t("pad.undo"), () => pad.undo());
  const clear = tool(t("pad.clear"), () => pad.clear());
  const show = () => {
    undo.disabled = !pad.canUndo;
    clear.disabled = pad.isEmpty;
  };
  pad.addEventListener("change", show);
  show();
  return el(
    "div",
    { class: "row tools", role: "toolbar", "aria-label": t("pad.tools") },
    choices(
      t("pad.pen"),
      PENS.map((pen) => [pen, t(`pad.pen.${pen}`)]),
      pad.drawing.pen,
      (pen) => {
        pad.pen = pen;
        remember("pen", pen);
      },
    ),
    undo,
    clear,
    more,
  );
}

/** A plain button. */
export function tool(label, click) {
  return el("button", { class: "button", type: "button", on: { click } }, label);
}

let groups = 0;

/**
 * One of a few: radio buttons that look like one. `options` are `[value, label]`.
 */
export function choices(legend, options, chosen, choose) {
  const name = `choice-${++groups}`;
  return el(
    "fieldset",
    { class: "choices" },
    el("legend", { class: "visually-hidden" }, legend),
    options.map(([value, label]) => {
      const change = () => choose(value);
      return el(
        "label",
        {},
        el("input", { type: "radio", name, value, checked: value === chosen, on: { change } }),
        el("span", {}, label),
      );
    }),
  );
}
