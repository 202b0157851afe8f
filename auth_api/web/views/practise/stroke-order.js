// The stroke order of a character: a picture and a name for each stroke.

import { card } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";
import { onThemeChange, themeColour } from "../../modules/theme-colours.js";
import { partName } from "./feedback.js";
import { drawInk, mergeInks, SIDE } from "./ink.js";

/** The card with the strokes of `character`. `layers` are of stroke-layers.js. */
export function strokeOrderCard(character, layers, signal) {
  const pictures = character.strokes.map(() =>
    el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }),
  );
  const paint = () => pictures.forEach((canvas, index) => paintStep(canvas, layers, index));
  paint();
  onThemeChange(paint, signal);
  return card(
    t("practise.order.title"),
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
  const ink = themeColour("--ink");
  context.clearRect(0, 0, SIDE, SIDE);
  drawInk(context, SIDE, layers.whole, ink, 0.12);
  drawInk(context, SIDE, mergeInks(layers.strokes.slice(0, step)), ink, 0.55);
  drawInk(context, SIDE, layers.strokes[step], themeColour("--accent"));
}
