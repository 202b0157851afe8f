// The toolbar of a drawing pad, and the panel for its pen.

import { button, radioGroup } from "./components.js";
import { el, fill } from "./dom.js";
import { ANGLE, PENS, WIDTHS } from "./pens.js";
import { remember, remembered } from "./storage.js";
import { percent, t } from "./strings.js";

// The limits of the sliders. Those of the service are wider (handlers/drawings.py).
const WIDTH_LIMITS = {
  nib: { min: 0.03, max: 0.24, step: 0.005 },
  round: { min: 0.012, max: 0.1, step: 0.004 },
};
const ANGLE_LIMITS = { min: 0, max: 180, step: 1 };

/** Pen, undo, redo and clear for `pad`. */
export function padTools(pad) {
  pad.pen = rememberedPen();
  showGuideLines(pad);
  const panel = penPanel(pad);
  panel.hidden = true;
  const pen = button(t("pad.pen"), () => {
    panel.hidden = !panel.hidden;
    pen.setAttribute("aria-expanded", String(!panel.hidden));
  });
  pen.setAttribute("aria-expanded", "false");
  const undo = button(t("pad.undo"), () => pad.undo());
  const redo = button(t("pad.redo"), () => pad.redo());
  const clear = button(t("pad.clear"), () => pad.clear());
  const update = () => {
    undo.disabled = !pad.canUndo;
    redo.disabled = !pad.canRedo;
    clear.disabled = pad.isEmpty;
  };
  pad.addEventListener("change", update);
  update();
  const label = t("pad.tools");
  const tools = el("div", { class: "row tools", role: "toolbar", "aria-label": label }, [
    pen,
    undo,
    redo,
    clear,
  ]);
  return el("div", { class: "stack tight pad-tools" }, tools, panel);
}

/** The pen that the visitor chose: `{pen, width, angle}`, null for the usual width and angle. */
function rememberedPen() {
  const pen = PENS.find((each) => each === remembered("pen")) ?? PENS[0];
  const width = rememberedNumber(`pen-width-${pen}`, WIDTH_LIMITS[pen]);
  return { pen, width, angle: rememberedNumber("pen-angle", ANGLE_LIMITS) };
}

function rememberedNumber(name, { min, max }) {
  const value = Number(remembered(name) ?? NaN);
  return value >= min && value <= max ? value : null;
}

function penPanel(pad) {
  const panel = el("div", { class: "stack pen-panel", role: "group", "aria-label": t("pad.pen") });
  const apply = (name, value) => {
    remember(name, value);
    pad.pen = rememberedPen();
  };
  const choosePen = (pen) => {
    apply("pen", pen);
    show();
    panel.querySelector(".choices :checked").focus();
  };
  const show = () => {
    const { pen, width, angle } = rememberedPen();
    const pens = PENS.map((each) => [each, t(`pad.pen.${each}`)]);
    const widths = { ...WIDTH_LIMITS[pen], value: width ?? WIDTHS[pen], usual: WIDTHS[pen] };
    const angles = { ...ANGLE_LIMITS, value: angle ?? ANGLE, usual: ANGLE };
    const inDegrees = (value) => t("pad.degrees", { count: value });
    fill(
      panel,
      radioGroup(t("pad.pen.kind"), pens, pen, choosePen),
      slider(t("pad.pen.width"), widths, percentOf, (value) => apply(`pen-width-${pen}`, value)),
      pen === "nib"
        ? slider(t("pad.pen.angle"), angles, inDegrees, (value) => apply("pen-angle", value))
        : null,
      tick(t("pad.lines"), hasGuideLines(), (shown) => {
        remember("guide-lines", shown ? null : "off");
        showGuideLines(pad);
      }),
      tick(t("pad.leftHanded"), document.documentElement.dataset.hand === "left", chooseHand),
    );
  };
  show();
  return panel;
}

const hasGuideLines = () => remembered("guide-lines") !== "off";
const showGuideLines = (pad) => pad.element.classList.toggle("lined", hasGuideLines());
const percentOf = (value) => percent(value, 1);

function chooseHand(left) {
  document.documentElement.dataset.hand = left ? "left" : "right";
  remember("hand", left ? "left" : null);
}

/** A slider with its value. `onChoose` gets null for the usual value, so that it can change. */
function slider(label, { usual, ...limits }, format, onChoose) {
  const output = el("output", {}, format(limits.value));
  const control = el("input", { type: "range", ...limits, "aria-valuetext": format(limits.value) });
  control.addEventListener("input", () => {
    const value = Number(control.value);
    fill(output, format(value));
    control.setAttribute("aria-valuetext", format(value));
    onChoose(value === usual ? null : value);
  });
  return el("label", { class: "slider" }, el("span", {}, label), control, output);
}

function tick(label, checked, onChoose) {
  const change = ({ target }) => onChoose(target.checked);
  const control = el("input", { type: "checkbox", checked, on: { change } });
  return el("label", { class: "check" }, control, label);
}
