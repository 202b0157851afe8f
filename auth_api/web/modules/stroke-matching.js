// Matches drawn strokes with those of a letterform by place, direction and shape, with the verdicts
// of the service (handlers/stroke_matching.py, handlers/parts.py, handlers/lines.py). Without the
// DOM. tests/support/data/stroke-matching.json has cases that both must answer alike.

// Lengths are in pixels of the canvas on which the service compares.
const SIDE = 128;
const SPACING = 2;
const MOST_POINTS = 1500;
const BESIDE = 13;
const ALONG = 4.5;
const PARALLEL = 0.6; // least cosine of two directions
const ELSEWHERE = 36;
const ALIKE = 0.7; // least share of a stroke and of what is drawn that agree, in another place
const LEAST_WRITTEN = 1 / 3; // least share of a stroke that is written
const OWN = 0.6; // least share of a drawn stroke along another one, for the two to be one
const SHORTEST = 8; // points of a stroke that has a direction of writing

/**
 * The lines of strokes: points evenly apart, `[{points, directions}]`. A stroke is an array of
 * `[x, y]` in shares of the side.
 */
export function linesOf(strokes) {
  const curves = strokes.map((points) => points.map(([x, y]) => [x * SIDE, y * SIDE]));
  const total = curves.reduce((sum, curve) => sum + lengths(curve).at(-1), 0);
  const spacing = Math.max(SPACING, total / MOST_POINTS);
  return curves.map((curve) => {
    const points = resample(curve, spacing);
    return { points, directions: directionsAlong(points) };
  });
}

/**
 * Matches lines (of `linesOf`): `{matched: [{drawn, stroke, reversed}], joined}`, indices of the
 * lines. `joined` are the strokes that were drawn in one with an earlier stroke. `close` has the
 * `closeness` of each line to each stroke.
 */
export function matchStrokes(drawn, form, close = drawn.map((line) => closenessToAll(line, form))) {
  const along = close.map((row) => row.map(countAlong));
  const worth = close.map((row, d) =>
    row.map((each, e) => {
      const enough = countWritten(each) >= LEAST_WRITTEN * form[e].points.length;
      return enough && along[d][e] ? bestOf(each) + bestOf(transposed(each)) : 0;
    }),
  );
  const pairs = greedyPairs(worth);
  pairs.push(...movedPairs(pairs, drawn, form));
  pairs.push(...joinedPairs(pairs, close));
  for (const d of drawn.keys()) {
    const e = indexOfMost(along[d]);
    const free = !pairs.some(([other]) => other === d);
    if (free && along[d][e] >= OWN * drawn[d].points.length) pairs.push([d, e]);
  }
  const matched = pairs
    .map(([d, e]) => ({ drawn: d, stroke: e, reversed: isReversed(close[d][e]) }))
    .sort((one, other) => one.drawn - other.drawn || one.stroke - other.stroke);
  return { matched, joined: joinedOf(matched) };
}

/**
 * How well each drawn point can be each point of a stroke, `[drawn point][point]`: 1 in its place, 0
 * if it is none.
 */
export function closeness(drawn, stroke) {
  return drawn.points.map(([px, py], index) => {
    const [x, y] = drawn.directions[index];
    const turned = x !== 0 || y !== 0;
    // Most of the time of a verdict: without a call or an array for each pair of points.
    const row = new Array(stroke.points.length).fill(0);
    for (let at = 0; at < row.length; at++) {
      const other = stroke.points[at];
      const direction = stroke.directions[at];
      const ox = px - other[0];
      const oy = py - other[1];
      const dx = direction[0];
      const dy = direction[1];
      if (Math.abs(ox * dx + oy * dy) >= ALONG) continue;
      if (turned && Math.abs(x * dx + y * dy) < PARALLEL) continue;
      row[at] = Math.max(0, 1 - Math.abs(oy * dx - ox * dy) / BESIDE);
    }
    return row;
  });
}

/** The closeness of a drawn line to each of the strokes. */
export const closenessToAll = (drawn, strokes) => strokes.map((each) => closeness(drawn, each));

/** How many points of a stroke are written. `close` is of `closeness`. */
export const countWritten = (close) =>
  close[0].filter((_, e) => close.some((row) => row[e])).length;

/** How many drawn points are along a stroke. */
export const countAlong = (close) => close.filter((row) => row.some(Boolean)).length;

/** Whether a stroke is drawn from its end to its start. */
export function isReversed(close) {
  const near = close.flatMap((row, d) => row.flatMap((value, e) => (value ? [[d, e]] : [])));
  if (Math.min(close.length, close[0].length) < SHORTEST || near.length < 2) return false;
  const means = [0, 1].map((axis) => sum(near.map((pair) => pair[axis])) / near.length);
  return sum(near.map(([d, e]) => (d - means[0]) * (e - means[1]))) < 0;
}

/** The pair with the longest common piece first. */
function greedyPairs(worth) {
  const left = worth.map((row) => [...row]);
  const pairs = [];
  for (;;) {
    const d = indexOfMost(left.map((row) => Math.max(...row)));
    const e = indexOfMost(left[d]);
    if (!(left[d][e] > 0)) return pairs;
    pairs.push([d, e]);
    left[d].fill(0);
    for (const row of left) row[e] = 0;
  }
}

/** Strokes that are drawn in another place. */
function movedPairs(pairs, drawn, form) {
  const found = [];
  const isFree = (axis, index) => ![...pairs, ...found].some((pair) => pair[axis] === index);
  for (const e of form.keys()) {
    if (!isFree(1, e)) continue;
    const d = [...drawn.keys()].find((each) => isFree(0, each) && isMoved(drawn[each], form[e]));
    if (d !== undefined) found.push([d, e]);
  }
  return found;
}

/** Whether a drawn stroke is `stroke` in another place. */
export function isMoved(drawn, stroke) {
  const [own, other] = [drawn, stroke].map(({ points }) =>
    [0, 1].map((axis) => sum(points.map((point) => point[axis])) / points.length),
  );
  const offset = [own[0] - other[0], own[1] - other[1]];
  const points = drawn.points.map(([x, y]) => [x - offset[0], y - offset[1]]);
  const close = closeness({ ...drawn, points }, stroke);
  const shares = [countWritten(close) / stroke.points.length, countAlong(close) / points.length];
  return Math.min(...shares) >= ALIKE && Math.hypot(...offset) <= ELSEWHERE;
}

/** Strokes without a drawn stroke of their own that another one goes along as well. */
function joinedPairs(pairs, close) {
  const found = [];
  const count = close[0].length;
  for (let e = 0; e < count; e++) {
    if (pairs.some(([, stroke]) => stroke === e)) continue;
    const joined = pairs.find(([d, first]) => {
      // Only points beyond the stroke that it is count.
      const rest = close[d][e].filter((_, point) => !close[d][first][point].some(Boolean));
      return rest.length > 0 && countWritten(rest) >= OWN * rest[0].length;
    });
    if (joined) found.push([joined[0], e]);
  }
  return found;
}

function joinedOf(matched) {
  const first = new Map();
  for (const { drawn, stroke } of matched) {
    if (!first.has(drawn)) first.set(drawn, stroke);
  }
  return matched
    .filter(({ drawn, stroke }) => stroke !== first.get(drawn))
    .map((each) => each.stroke);
}

/** The length of a curve up to each of its points. */
function lengths(curve) {
  let total = 0;
  return curve.map((point, index) => {
    if (index) total += Math.hypot(point[0] - curve[index - 1][0], point[1] - curve[index - 1][1]);
    return total;
  });
}

/** Points of a curve at even distances of about `spacing`, with both ends. */
function resample(curve, spacing) {
  const along = lengths(curve);
  const total = along.at(-1);
  const count = Math.max(2, Math.round(total / spacing) + 1);
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const place = index === count - 1 ? total : (index * total) / (count - 1);
    while (at < curve.length - 2 && along[at + 1] <= place) at++;
    const [from, to] = [curve[at], curve[Math.min(at + 1, curve.length - 1)]];
    const step = along[Math.min(at + 1, curve.length - 1)] - along[at];
    const share = step ? (place - along[at]) / step : 0;
    return [0, 1].map((axis) => from[axis] + (to[axis] - from[axis]) * share);
  });
}

/** Unit vectors along points, over four steps where there are. */
function directionsAlong(points) {
  const last = points.length - 1;
  return points.map((_, index) => {
    const [after, before] = [points[Math.min(index + 2, last)], points[Math.max(index - 2, 0)]];
    const vector = [after[0] - before[0], after[1] - before[1]];
    const length = Math.max(Math.hypot(...vector), 1e-9);
    return vector.map((value) => value / length);
  });
}

const transposed = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));
const bestOf = (rows) => sum(rows.map((row) => Math.max(...row)));
const indexOfMost = (values) => values.indexOf(Math.max(...values));
const sum = (values) => values.reduce((total, value) => total + value, 0);
