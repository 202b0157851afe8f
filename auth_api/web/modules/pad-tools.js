// The toolbar of a drawing pad.

import { button, radioGroup } from "./components.js";
import { el } from "./dom.js";
import { PENS } from "./pens.js";
import { remember, remembered } from "./storage.js";
import { t } from "./strings.js";

/** Pen choice, undo and clear for `pad`. */
export function padTools(pad) {
  pad.pen = remembered("pen", "nib");
  const undo = button(t("pad.undo"), () => pad.undo());
  const clear = button(t("pad.clear"), () => pad.clear());
  const update = () => {
    undo.disabled = !pad.canUndo;
    clear.disabled = pad.isEmpty;
  };
  pad.addEventListener("change", update);
  update();
  const pens = PENS.map((pen) => [pen, t(`pad.pen.${pen}`)]);
  const choosePen = (pen) => {
    pad.pen = pen;
    remember("pen", pen);
  };
  return el(
    "div",
    { class: "row tools", role: "toolbar", "aria-label": t("pad.tools") },
    radioGroup(t("pad.pen"), pens, pad.drawing.pen, choosePen),
    undo,
    clear,
  );
}
