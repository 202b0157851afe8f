// The name as its learner wrote it: the drawings side by side as the font sets them.

import { PAPER } from "../../modules/keepsake.js";
import { drawStroke } from "../../modules/pens.js";
import { themeColour } from "../../modules/theme-colours.js";
import { el } from "../../modules/dom.js";

// Lengths in em. A line is broken between words where it would be longer.
const LONGEST_LINE = 9;
const SPACE = 0.35;
const MARGIN = 0.35;
const LINE_GAP = 0.25;
const CAPTION = 0.2;
// Pixels of an em, and of the picture's longest width.
const MAX_EM = 320;
const MAX_WIDTH = 2400;

/** A canvas with the ink of `letters` (letters.js), and `caption` below it. */
export function namePicture(letters, caption) {
  const lines = brokenIntoLines(letters);
  const top = Math.min(...letters.map(({ shape }) => shape.top));
  const bottom = Math.max(...letters.map(({ shape }) => shape.bottom));
  const width = Math.max(...lines.map(widthOf), CAPTION * 0.7 * caption.length) + 2 * MARGIN;
  const lineHeight = bottom - top + LINE_GAP;
  const height = lines.length * lineHeight + CAPTION * 1.6 + 2 * MARGIN;
  const em = Math.min(MAX_EM, MAX_WIDTH / width);
  const canvas = el("canvas", { width: Math.ceil(width * em), height: Math.ceil(height * em) });
  const context = canvas.getContext("2d");
  context.fillStyle = PAPER.sheet;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = context.strokeStyle = PAPER.ink;
  lines.forEach((line, row) => {
    const baseline = (MARGIN + row * lineHeight - top) * em;
    drawLine(context, line, (canvas.width - widthOf(line) * em) / 2, baseline, em);
  });
  context.fillStyle = PAPER.soft;
  context.font = `${CAPTION * em}px ${themeColour("--text")}`;
  context.textAlign = "center";
  context.fillText(caption, canvas.width / 2, canvas.height - MARGIN * em);
  return canvas;
}

/** Lines of words, each a list of letters. */
function brokenIntoLines(letters) {
  const lines = [];
  for (const word of Map.groupBy(letters, (letter) => letter.word).values()) {
    const line = lines.at(-1);
    if (line && widthOf([...line, word]) <= LONGEST_LINE) line.push(word);
    else lines.push([word]);
  }
  return lines;
}

const advanceOf = (letters) => letters.reduce((sum, { shape }) => sum + shape.advance, 0);

const widthOf = (line) =>
  line.reduce((sum, word) => sum + advanceOf(word), 0) + SPACE * (line.length - 1);

function drawLine(context, line, x, baseline, em) {
  let at = x;
  for (const word of line) {
    for (const { shape, drawing } of word) {
      const side = em / shape.size; // of the pad, in pixels of this picture
      context.save();
      context.translate(at - shape.x * side, baseline - shape.y * side);
      for (const points of drawing.strokes) drawStroke(context, drawing, points, side);
      context.restore();
      at += shape.advance * em;
    }
    at += SPACE * em;
  }
}
