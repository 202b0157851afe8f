// Judges a stroke when the pen lifts, without the service and without the DOM.

import {
  closenessToAll,
  countAlong,
  countWritten,
  isMoved,
  isReversed,
  linesOf,
  matchStrokes,
} from "./stroke-matching.js";

// Least share of a stroke that must be written, and of what is drawn that must lie along it.
const WRITTEN = 0.75;
// Least mean of the closeness: 1 is in its place, 0 a tenth of the side beside it.
const IN_PLACE = 0.35;
// A stroke that fits another one so much better is meant for that one.
const RATHER = 1.2;
// Most pixels (of 128) between the ends of a stroke and those of what is drawn.
const END_GAP = 14;
// A stroke drawn shorter than this many times its length is a piece of it; a longer one goes on beyond
// it, or back and forth.
const SHORT = 0.65;
const LONG = 1.6;
// Longer strokes than so many times the letter's longest are none of it: judging them takes long.
const LONGEST = 4;

/**
 * Judges the strokes of one letter. `strokes` are those of `loadCharacters`, in writing order.
 */
export function strokeJudge(strokes) {
  const form = linesOf(strokes.map(({ points }) => points));
  const most = LONGEST * Math.max(...form.map(({ points }) => points.length));

  /**
   * The verdict about `points`, `[[x, y], ...]` in shares of the side, when the stroke with the index
   * `next` is expected: `{verdict, stroke}`. `verdict` is one of
   *
   * - `right`;
   * - `backwards`: from its end to its start;
   * - `joined`: in one with the strokes after it;
   * - `order`: it is another stroke that comes later, `stroke`;
   * - `again`: it is a stroke that is written already, `stroke`;
   * - `short`, `long`: it ends too early or too late;
   * - `moved`: it is in another place;
   * - `wrong`: none of the strokes.
   */
  return function judge(points, next) {
    const [line] = linesOf([points]);
    if (line.points.length > most) return { verdict: "wrong", stroke: null };
    const close = closenessToAll(line, form);
    const fits = close.map(fitOf);
    const best = fits.indexOf(fits.reduce((one, other) => (other.worth > one.worth ? other : one)));
    const own = fits[next];
    const { joined, matched } = matchStrokes([line], form, [close]);
    if (joined.length && matched.some(({ stroke }) => stroke === next)) {
      return { verdict: "joined", stroke: next };
    }
    if (fits[best].is && best !== next && fits[best].worth > RATHER * own.worth) {
      return { verdict: best < next ? "again" : "order", stroke: best };
    }
    if (own.is) return { verdict: lengthVerdict(line, form[next], own.reversed), stroke: next };
    if (own.isPiece) return { verdict: "short", stroke: next };
    if (isMoved(line, form[next])) return { verdict: "moved", stroke: next };
    return { verdict: "wrong", stroke: null };
  };
}

/** The verdict about a line that is the stroke, by where it begins and ends. */
function lengthVerdict({ points }, stroke, reversed) {
  const size = stroke.points.length;
  const ends = [stroke.points[0], stroke.points[size - 1]];
  const drawn = [points[0], points.at(-1)];
  if (reversed) drawn.reverse();
  const far = ends.map((end, index) => gap(end, drawn[index]) > END_GAP);
  if (points.length < SHORT * size) return "short";
  if (points.length > LONG * size) return "long";
  // A loop can begin anywhere.
  if (far.includes(true) && gap(...ends) > END_GAP) {
    if (!far.includes(false)) return "moved";
    return points.length < size ? "short" : "long";
  }
  return reversed ? "backwards" : "right";
}

const gap = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

/**
 * How a line fits a stroke by their `closeness`: whether it is the stroke, or a piece of it, and how
 * well.
 */
function fitOf(close) {
  const [drawn, written] = [close.length, close[0].length];
  const along = countAlong(close);
  const nearest = close.map((row) => Math.max(...row));
  const worth = nearest.reduce((sum, value) => sum + value, 0);
  const inPlace = along >= WRITTEN * drawn && worth >= IN_PLACE * along;
  const covered = countWritten(close);
  return {
    worth: (worth * covered) / written,
    is: inPlace && covered >= WRITTEN * written,
    isPiece: inPlace && covered < WRITTEN * written,
    reversed: isReversed(close),
  };
}
