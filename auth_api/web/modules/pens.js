// Two pens: what a stroke looks like on a canvas.

// The edge of a reed pen: angle clockwise from the horizontal, in radians, and length as a share of
// the side of the drawing area. Both are the median of the strokes that the reference letters are
// made of (archive_scripts/letterforms.json): 34 degrees, 16 of a letter 100 long.
const NIB_ANGLE = (34 * Math.PI) / 180;
const NIB_LENGTH = 0.12;
const NIB_EDGE = 0.016;
const ROUND = 0.036;
// How much thinner a pen is that hardly presses.
const LIGHTEST = 0.35;

export const PENS = ["nib", "round"];

/**
 * Draws a stroke, `{pen, points: [[x, y, pressure], ...]}`, into `context`; coordinates and pressure
 * are 0-1, `side` is the side of the drawing area in pixels. The fill colour is the context's.
 */
export function drawStroke(context, { pen, points }, side) {
  const places = points.length === 1 ? [points[0], points[0]] : points;
  for (let index = 1; index < places.length; index++) {
    drawSegment(context, pen, places[index - 1], places[index], side);
  }
}

/** Draws what lies between two points of a stroke. */
export function drawSegment(context, pen, from, to, side) {
  if (pen === "nib") drawNib(context, from, to, side);
  else drawRound(context, from, to, side);
}

const pressed = (pressure) => LIGHTEST + (1 - LIGHTEST) * Math.min(1, pressure);

function drawRound(context, from, to, side) {
  context.beginPath();
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = ROUND * pressed(to[2]) * side;
  context.moveTo(from[0] * side, from[1] * side);
  context.lineTo(to[0] * side, to[1] * side);
  context.stroke();
}

function drawNib(context, from, to, side) {
  // What the edge of the nib sweeps on a straight way, rounded by the thickness of the edge.
  const corners = [...edge(from), ...edge(to).reverse()];
  context.beginPath();
  corners.forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x * side, y * side);
    else context.lineTo(x * side, y * side);
  });
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = NIB_EDGE * side;
  context.fill();
  context.stroke();
}

function edge([x, y, pressure]) {
  const half = (NIB_LENGTH / 2) * pressed(pressure);
  const dx = Math.cos(NIB_ANGLE) * half;
  const dy = Math.sin(NIB_ANGLE) * half;
  return [
    [x - dx, y - dy],
    [x + dx, y + dy],
  ];
}
