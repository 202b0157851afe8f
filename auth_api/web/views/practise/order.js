// How a character is written, as a row of pictures: one a stroke, each with its name.

import { el } from "../../modules/dom.js";
import { colourOf, onLight } from "../../modules/light.js";
import { number, t } from "../../modules/strings.js";
import { drawInk, SIDE, together } from "./inks.js";
import { partName } from "./sentences.js";

/** The strokes of `character` in order, out of its `layers` (layers.js). */
export function strokeOrder(character, layers, signal) {
  const pictures = character.strokes.map(() =>
    el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }),
  );
  const paint = () => pictures.forEach((canvas, index) => paintStep(canvas, layers, index));
  paint();
  onLight(paint, signal);
  return el(
    "section",
    { class: "card stack" },
    el("h2", {}, t("practise.order.title")),
    el(
      "ol",
      { class: "order" },
      character.strokes.map((stroke, index) =>
        el(
          "li",
          {},
          pictures[index],
          el("span", {}, `${number(index + 1)}. ${partName(stroke.name)}`),
        ),
      ),
    ),
  );
}

function paintStep(canvas, layers, step) {
  const context = canvas.getContext("2d");
  const ink = colourOf("--ink");
  context.clearRect(0, 0, SIDE, SIDE);
  drawInk(context, SIDE, layers.whole, ink, 0.12);
  drawInk(context, SIDE, together(layers.strokes.slice(0, step)), ink, 0.55);
  drawInk(context, SIDE, layers.strokes[step], colourOf("--accent"));
}
