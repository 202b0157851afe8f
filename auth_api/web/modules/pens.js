// The two pens: draw strokes on a canvas, as the service does (handlers/drawings.py).

// Width of the nib of a reed pen and of a round pen, as fractions of the side of the drawing area,
// and the angle of the nib in degrees, clockwise from the horizontal. Those of the nib are medians
// over the strokes of the reference letters (archive_scripts/letterforms/letterforms.json): 34
// degrees, and 16 of a letter 100 long.
export const WIDTHS = { nib: 0.12, round: 0.036 };
export const ANGLE = 34;
const NIB_THICKNESS = 0.016;
// Width of a stroke without pressure, as a fraction of its full width.
const MIN_PRESSURE_SCALE = 0.35;

export const PENS = ["nib", "round"];

/**
 * Draws a stroke, `[[x, y, pressure], ...]`, in the colours of `context`.
 * @param {{pen: string, width?: number, angle?: number}} drawing its pen, one of PENS; the usual
 *   width and angle unless it has others
 * @param points coordinates and pressure, 0 to 1
 * @param {number} side of the drawing area in pixels
 */
export function drawStroke(context, drawing, points, side) {
  const ends = points.length === 1 ? [points[0], points[0]] : points;
  for (let index = 1; index < ends.length; index++) {
    drawSegment(context, drawing, ends[index - 1], ends[index], side);
  }
}

/** Draws the segment between two points of a stroke. */
export function drawSegment(context, { pen, width, angle }, from, to, side) {
  const full = width ?? WIDTHS[pen];
  if (pen === "nib") drawNib(context, { width: full, angle: angle ?? ANGLE }, from, to, side);
  else drawRound(context, full, from, to, side);
}

const pressureScale = (pressure) =>
  MIN_PRESSURE_SCALE + (1 - MIN_PRESSURE_SCALE) * Math.min(1, pressure);

function drawRound(context, width, from, to, side) {
  context.beginPath();
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = width * pressureScale(to[2]) * side;
  context.moveTo(from[0] * side, from[1] * side);
  context.lineTo(to[0] * side, to[1] * side);
  context.stroke();
}

function drawNib(context, nib, from, to, side) {
  // The area that the nib sweeps along a straight line, with corners rounded by its thickness.
  const corners = [...nibEnds(nib, from), ...nibEnds(nib, to).reverse()];
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

function nibEnds({ width, angle }, [x, y, pressure]) {
  const half = (width / 2) * pressureScale(pressure);
  const dx = Math.cos((angle * Math.PI) / 180) * half;
  const dy = Math.sin((angle * Math.PI) / 180) * half;
  return [
    [x - dx, y - dy],
    [x + dx, y + dy],
  ];
}
