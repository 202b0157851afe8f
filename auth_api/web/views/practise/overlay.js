// Overlays the user's writing on the reference, with a slider to fade between the two. Faults light
// up in it.

import { el } from "../../modules/dom.js";
import { remember, remembered } from "../../modules/storage.js";
import { percent, t } from "../../modules/strings.js";
import { onThemeChange, themeColour } from "../../modules/theme-colours.js";
import { decodeImage, drawInk, extractInk, overlayOpacity, paperOpacity } from "./ink.js";
import { regionLegend, regionMarks } from "./regions.js";
import { drawStart } from "./stroke-layers.js";

const SIDE = 512;
// Opacity of the user's ink in the middle of the slider, where the reference shows through.
const HALFWAY_OPACITY = 0.65;
// Opacity of everything else while a fault is lit.
const DIMMED = 0.4;
const LIT = 0.8;

/**
 * `{element, light}` for a response of `/api/similarity/`. `light` lights up the place of a fault,
 * or nothing for null. The user's ink is extracted from the overlay, because the service aligned it
 * there with the reference. `layers` are those of the character (stroke-layers.js).
 */
export function overlayFigure(answer, layers, signal) {
  const canvas = el("canvas", {
    width: SIDE,
    height: SIDE,
    role: "img",
    "aria-label": t("practise.over.picture"),
  });
  const marks = regionMarks(answer.regions);
  const legend = regionLegend(answer.regions);
  const slider = el("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 50,
    "aria-label": t("practise.over.slider"),
  });
  const context = canvas.getContext("2d");
  let inks = null;
  let lit = null;
  const paint = () => {
    slider.setAttribute("aria-valuetext", describeShare(slider.value / 100));
    context.clearRect(0, 0, SIDE, SIDE);
    if (inks) paintInks(context, inks, slider.value / 100, lit ? DIMMED : 1);
    // The strokes of other forms are not known here.
    if (lit) paintFault(context, lit, answer.form === "nithya" ? layers : null);
  };
  slider.addEventListener("input", paint);
  onThemeChange(paint, signal);
  loadInks(answer).then((found) => {
    inks = found;
    paint();
  });
  paint();
  const show = (visible) => {
    marks.classList.toggle("off", !visible);
    legend.hidden = !visible;
  };
  const visible = remembered("marks", "on") === "on";
  show(visible);
  const change = ({ target }) => {
    remember("marks", target.checked ? "on" : "off");
    show(target.checked);
  };
  const sheet = el("div", { class: "sheet" }, canvas, marks);
  const light = (fault) => {
    lit = fault;
    sheet.classList.toggle("lit", fault !== null);
    paint();
  };
  const element = el(
    "figure",
    { class: "overlay-figure stack" },
    sheet,
    el(
      "div",
      { class: "fade" },
      el("span", { class: "of-reference", "aria-hidden": "true" }, t("practise.over.reference")),
      slider,
      el("span", { class: "of-own", "aria-hidden": "true" }, t("practise.over.own")),
    ),
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", checked: visible, on: { change } }),
      t("practise.regions.show"),
    ),
    legend,
  );
  return { element, light };
}

async function loadInks({ reference_image: reference, blended_overlay: overlay }) {
  const [paper, both] = await Promise.all([decodeImage(reference), decodeImage(overlay)]);
  return { reference: extractInk(paper, paperOpacity), own: extractInk(both, overlayOpacity) };
}

/** `share` 0: only the reference; 0.5: both; 1: only the user's ink. */
function paintInks(context, { reference, own }, share, dimmed) {
  const secondHalf = Math.max(0, share - 0.5) * 2;
  const firstHalf = Math.min(1, share * 2);
  drawInk(context, SIDE, reference, themeColour("--ink"), dimmed * (1 - secondHalf));
  const opacity = firstHalf * (HALFWAY_OPACITY + (1 - HALFWAY_OPACITY) * secondHalf);
  drawInk(context, SIDE, own, themeColour("--accent"), dimmed * opacity);
}

/** Paints the part that a fault is about, or its region if it is about none. */
function paintFault(context, { stroke, row, column }, layers) {
  const part = layers?.strokes[stroke];
  if (part) {
    drawInk(context, SIDE, part, themeColour("--lit"), LIT);
    drawStart(context, SIDE, layers, stroke);
    return;
  }
  const third = SIDE / 3;
  context.strokeStyle = themeColour("--lit");
  context.lineWidth = SIDE / 80;
  context.strokeRect(column * third, row * third, third, third);
}

function describeShare(share) {
  if (share === 0) return t("practise.over.onlyReference");
  if (share === 1) return t("practise.over.onlyOwn");
  return t("practise.over.share", { share: percent(share) });
}
