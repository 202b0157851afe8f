// Overlays the user's writing on the reference, with a slider to fade between the two.

import { el } from "../../modules/dom.js";
import { remember, remembered } from "../../modules/storage.js";
import { percent, t } from "../../modules/strings.js";
import { onThemeChange, themeColour } from "../../modules/theme-colours.js";
import { decodeImage, drawInk, extractInk, overlayOpacity, paperOpacity } from "./ink.js";
import { regionLegend, regionMarks } from "./regions.js";

const SIDE = 512;
// Opacity of the user's ink in the middle of the slider, where the reference shows through.
const HALFWAY_OPACITY = 0.65;

/**
 * The figure for a response of `/api/similarity/`. The user's ink is extracted from the overlay,
 * because the service aligned it there with the reference.
 */
export function overlayFigure(answer, signal) {
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
  let inks = null;
  const paint = () => {
    slider.setAttribute("aria-valuetext", describeShare(slider.value / 100));
    if (inks) paintInks(canvas.getContext("2d"), inks, slider.value / 100);
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
  return el(
    "figure",
    { class: "overlay-figure stack" },
    el("div", { class: "sheet" }, canvas, marks),
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
}

async function loadInks({ reference_image: reference, blended_overlay: overlay }) {
  const [paper, both] = await Promise.all([decodeImage(reference), decodeImage(overlay)]);
  return { reference: extractInk(paper, paperOpacity), own: extractInk(both, overlayOpacity) };
}

/** `share` 0: only the reference; 0.5: both; 1: only the user's ink. */
function paintInks(context, { reference, own }, share) {
  context.clearRect(0, 0, SIDE, SIDE);
  const secondHalf = Math.max(0, share - 0.5) * 2;
  const firstHalf = Math.min(1, share * 2);
  drawInk(context, SIDE, reference, themeColour("--ink"), 1 - secondHalf);
  const opacity = firstHalf * (HALFWAY_OPACITY + (1 - HALFWAY_OPACITY) * secondHalf);
  drawInk(context, SIDE, own, themeColour("--accent"), opacity);
}

function describeShare(share) {
  if (share === 0) return t("practise.over.onlyReference");
  if (share === 1) return t("practise.over.onlyOwn");
  return t("practise.over.share", { share: percent(share) });
}
