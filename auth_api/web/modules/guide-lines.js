// The lines that a letter stands between: head line, middle and base line.

import { remember, remembered } from "./storage.js";
import { themeColour } from "./theme-colours.js";

// Of the side of the pad. The reference letters stand from row 20 to row 236 of 256.
export const LINES = { head: 20 / 256, middle: 0.5, base: 236 / 256 };
const WIDTH = 0.004;
const DASH = 0.03;

/** Whether the visitor wants to see the lines. */
export const showsGuideLines = () => remembered("guide-lines", "on") === "on";

/** Stores whether the visitor wants to see the lines. */
export const chooseGuideLines = (shown) => remember("guide-lines", shown ? "on" : "off");

/** Draws the lines, if the visitor wants to see them: a painter of modules/pad.js. */
export function paintGuideLines(context, side) {
  if (!showsGuideLines()) return;
  context.save();
  context.lineWidth = WIDTH * side;
  context.strokeStyle = themeColour("--line");
  for (const [name, at] of Object.entries(LINES)) {
    context.setLineDash(name === "middle" ? [DASH * side, DASH * side] : []);
    context.beginPath();
    context.moveTo(0, at * side);
    context.lineTo(side, at * side);
    context.stroke();
  }
  context.restore();
}
