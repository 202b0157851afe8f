// The reference and the learner's own hand laid over each other, to fade between the two.

import { el } from "../../modules/dom.js";
import { colourOf, onLight } from "../../modules/light.js";
import { remember, remembered } from "../../modules/storage.js";
import { percent, t } from "../../modules/strings.js";
import { decoded, drawInk, inkOf, ofOverlay, ofPaper } from "./inks.js";
import { regionLegend, regionMarks } from "./regions.js";

const SIDE = 512;
// How much of the reference shines through the learner's ink half-way.
const OWN_AT_HALF = 0.65;

/**
 * The figure for an answer of `/api/similarity/`. The learner's ink is where the service laid it to
 * compare: it is taken out of the overlay.
 */
export function laidOver(answer, signal) {
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
    slider.setAttribute("aria-valuetext", spoken(slider.value / 100));
    if (inks) paintInks(canvas.getContext("2d"), inks, slider.value / 100);
  };
  slider.addEventListener("input", paint);
  onLight(paint, signal);
  inksOf(answer).then((found) => {
    inks = found;
    paint();
  });
  paint();
  const show = (wanted) => {
    marks.classList.toggle("off", !wanted);
    legend.hidden = !wanted;
  };
  const wanted = remembered("marks", "on") === "on";
  show(wanted);
  const change = ({ target }) => {
    remember("marks", target.checked ? "on" : "off");
    show(target.checked);
  };
  return el(
    "figure",
    { class: "laid stack" },
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
      el("input", { type: "checkbox", checked: wanted, on: { change } }),
      t("practise.regions.show"),
    ),
    legend,
  );
}

async function inksOf({ reference_image: reference, blended_overlay: overlay }) {
  const [paper, both] = await Promise.all([decoded(reference), decoded(overlay)]);
  return { reference: inkOf(paper, ofPaper), own: inkOf(both, ofOverlay) };
}

/** `share` 0: only the reference; 0.5: both; 1: only the learner's own. */
function paintInks(context, { reference, own }, share) {
  context.clearRect(0, 0, SIDE, SIDE);
  const beyond = Math.max(0, share - 0.5) * 2;
  const before = Math.min(1, share * 2);
  drawInk(context, SIDE, reference, colourOf("--ink"), 1 - beyond);
  const opacity = before * (OWN_AT_HALF + (1 - OWN_AT_HALF) * beyond);
  drawInk(context, SIDE, own, colourOf("--accent"), opacity);
}

function spoken(share) {
  if (share === 0) return t("practise.over.onlyReference");
  if (share === 1) return t("practise.over.onlyOwn");
  return t("practise.over.share", { share: percent(share) });
}
