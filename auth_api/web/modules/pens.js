// The two pens: draw strokes on a canvas, as the service does (handlers/drawings.py).

// The nib of a reed pen: angle in radians, clockwise from the horizontal, and length as a fraction
// of the side of the drawing area. Both are medians over the strokes of the reference letters
// (archive_scripts/letterforms/letterforms.json): 34 degrees, and 16 of a letter 100 long.
const NIB_ANGLE = (34 * Math.PI) / 180;
const NIB_LENGTH = 0.12;
const NIB_THICKNESS = 0.016;
const ROUND_WIDTH = 0.036;
// Width of a stroke without pressure, as a fraction of its full width.
const MIN_PRESSURE_SCALE = 0.35;

export const PENS = ["nib", "round"];

/**
 * Draws a stroke, `[[x, y, pressure], ...]`, with one of PENS in the colours of `context`.
 * Coordinates and pressure are 0 to 1; `side` is the side of the drawing area in pixels.
 */
export function drawStroke(context, pen, points, side) {
  const ends = points.length === 1 ? [points[0], points[0]] : points;
  for (let index = 1; index < ends.length; index++) {
    drawSegment(context, pen, ends[index - 1], ends[index], side);
  }
}

/** Draws the segment between two points of a stroke. */
export function drawSegment(context, pen, from, to, side) {
  if (pen === "nib") drawNib(context, from, to, side);
  else drawRound(context, from, to, side);
}

const pressureScale = (pressure) =>
  MIN_PRESSURE_SCALE + (1 - MIN_PRESSURE_SCALE) * Math.min(1, pressure);

function drawRound(context, from, to, side) {
  context.beginPath();
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = ROUND_WIDTH * pressureScale(to[2]) * side;
  context.moveTo(from[0] * side, from[1] * side);
  context.lineTo(to[0] * side, to[1] * side);
  context.stroke();
}

function drawNib(context, from, to, side) {
  // The area that the nib sweeps along a straight line, with corners rounded by its thickness.
  const corners = [...nibEnds(from), ...nibEnds(to).reverse()];
  context.beginPath();
  corners.forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x * side, y * side);
    else context.lineTo(x * side, y * side);
  });
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = NIB_THICKNESS * side;
  context.fill();
  context.stroke();
}

function nibEnds([x, y, pressure]) {
  const half = (NIB_LENGTH / 2) * pressureScale(pressure);
  const dx = Math.cos(NIB_ANGLE) * half;
  const dy = Math.sin(NIB_ANGLE) * half;
  return [
    [x - dx, y - dy],
    [x + dx, y + dy],
  ];
}
