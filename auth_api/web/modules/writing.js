// A request for the service: the strokes of a pad, or a picture.

/** Limits of the service: strokes of a drawing, and points of each. */
export const LIMITS = { strokes: 64, points: 2000 };
// A point this near to the line between its neighbours adds nothing, as a fraction of the side: a
// quarter of a pixel of the service.
const TOLERANCE = 0.001;
// The whole range of the pressure moves the edges of a stroke by this fraction of the side.
const PRESSURE_WEIGHT = 0.04;
const STEPS = 10_000; // 4 decimals

/**
 * A drawing of modules/pad.js for the service, `{strokes, pen}`, with `pen_width` and `pen_angle` if
 * they are not the usual ones. Null if it is too large.
 */
export function writingOf({ strokes, pen, width, angle }) {
  const thinned = strokes.map((points) => thin(points).map(compact));
  const fits =
    thinned.length <= LIMITS.strokes && thinned.every(({ length }) => length <= LIMITS.points);
  if (!fits) return null;
  const chosen = { pen_width: width, pen_angle: pen === "nib" ? angle : null };
  const unusual = Object.entries(chosen).filter(([, value]) => (value ?? null) !== null);
  return { strokes: thinned, pen, ...Object.fromEntries(unusual) };
}

/** The options of a `request` that sends a writing: a Blob, or what `writingOf` returned. */
export function bodyOf(writing) {
  if (!(writing instanceof Blob)) return { json: writing };
  const form = new FormData();
  form.append("image", writing, writing.name ?? "picture.png");
  return { form };
}

/** Leaves out the points that add nothing (Ramer, Douglas and Peucker). */
function thin(points) {
  const kept = new Set([0, points.length - 1]);
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [from, to] = spans.pop();
    let farthest = null;
    let most = TOLERANCE;
    for (let index = from + 1; index < to; index++) {
      const off = deviation(points[index], points[from], points[to]);
      if (off > most) [farthest, most] = [index, off];
    }
    if (farthest === null) continue;
    kept.add(farthest);
    spans.push([from, farthest], [farthest, to]);
  }
  return points.filter((_, index) => kept.has(index));
}

/** The distance of a point from the line between two others, pressure included. */
function deviation(point, from, to) {
  const weighted = ([x, y, pressure]) => [x, y, pressure * PRESSURE_WEIGHT];
  const [start, end, own] = [from, to, point].map(weighted);
  const along = end.map((value, axis) => value - start[axis]);
  const away = own.map((value, axis) => value - start[axis]);
  const length = dot(along, along);
  const share = length ? Math.min(1, Math.max(0, dot(away, along) / length)) : 0;
  return Math.hypot(...away.map((value, axis) => value - share * along[axis]));
}

const dot = (one, other) => one.reduce((sum, value, axis) => sum + value * other[axis], 0);

/** Without a full pressure, which is the default. */
function compact([x, y, pressure]) {
  const numbers = pressure === 1 ? [x, y] : [x, y, pressure];
  return numbers.map((value) => Math.round(value * STEPS) / STEPS);
}
