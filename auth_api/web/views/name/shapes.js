// The shapes of letters in the font, in the frame in which the reference pictures stand.

import { drawStroke } from "../../modules/pens.js";
import { RANJANA } from "../../modules/ranjana-font.js";

// Margin of a reference picture as a fraction of its side (archive_scripts/letterforms/references.py).
const MARGIN = 20 / 256;
// Size of the font for measuring. Results are fractions of it.
const EM = 1000;
// Side in pixels of the pictures whose pixels are counted.
const SIDE = 128;
// Ink so near covers a pixel of the shape, as a fraction of the side.
const NEAR = 0.06;
// Least opacity of a pixel of the shape, 0 to 255.
const OPAQUE = 128;

const measuring = new OffscreenCanvas(1, 1).getContext("2d");

/**
 * The shape of `text`: it fills the frame and stands in its middle. `size` of the font, and `x` and
 * `y` of its origin, as fractions of the side; `advance`, `top` and `bottom` in em.
 */
export function shapeOf(text) {
  measuring.font = fontOf(EM);
  const measured = measuring.measureText(text);
  const left = -measured.actualBoundingBoxLeft / EM;
  const right = measured.actualBoundingBoxRight / EM;
  const top = -measured.actualBoundingBoxAscent / EM;
  const bottom = measured.actualBoundingBoxDescent / EM;
  const size = (1 - 2 * MARGIN) / Math.max(right - left, bottom - top);
  const x = 0.5 - ((left + right) / 2) * size;
  const y = 0.5 - ((top + bottom) / 2) * size;
  return { text, size, x, y, advance: measured.width / EM, top, bottom };
}

/** Draws a shape in a square of `side` pixels. */
export function drawShape(context, side, { text, size, x, y }, colour, opacity = 1) {
  // Drawn opaque first: the glyphs of a letter overlap.
  const opaque = new OffscreenCanvas(side, side).getContext("2d");
  opaque.fillStyle = colour;
  opaque.font = fontOf(size * side);
  opaque.fillText(text, x * side, y * side);
  context.save();
  context.globalAlpha = opacity;
  context.drawImage(opaque.canvas, 0, 0);
  context.restore();
}

/** The share of a shape, 0 to 1, that the ink of a drawing covers or is near to. */
export function coverage(shape, drawing) {
  const [whole, ink] = [square(), square()];
  drawShape(whole, SIDE, shape, "black");
  for (const points of drawing.strokes) drawStroke(ink, drawing, points, SIDE);
  const near = square();
  for (let step = 0; step < 16; step++) {
    const angle = (step * Math.PI) / 8;
    near.drawImage(ink.canvas, NEAR * SIDE * Math.cos(angle), NEAR * SIDE * Math.sin(angle));
  }
  const [shapePixels, inkPixels] = [whole, near].map(
    (context) => context.getImageData(0, 0, SIDE, SIDE).data,
  );
  let [all, covered] = [0, 0];
  for (let alpha = 3; alpha < shapePixels.length; alpha += 4) {
    if (shapePixels[alpha] < OPAQUE) continue;
    all++;
    if (inkPixels[alpha] >= OPAQUE) covered++;
  }
  return covered / all;
}

const fontOf = (pixels) => `${pixels}px "${RANJANA}"`;

const square = () => new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
