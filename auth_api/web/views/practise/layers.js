// The ink of a reference picture, taken apart into its strokes.

import { blob } from "../../modules/api.js";
import { referencePath } from "../../modules/characters.js";
import { inkOf, ofPaper, SIDE } from "./inks.js";

// Ink is of the stroke whose middle is nearest, measured in widths of that stroke; and of every
// stroke whose middle is nearer than this, so that crossings belong to both.
const CORE = 0.3;

/**
 * `{whole, strokes}`: the ink of the reference of `character`, and that of each of its strokes in
 * the order of writing, as canvases of 256x256. Throws a Problem.
 */
export async function loadLayers(character, signal) {
  const path = referencePath(character.class);
  const picture = await createImageBitmap(await blob(path, { signal, accept: "image/png" }));
  const whole = inkOf(picture, ofPaper);
  return { whole, strokes: apart(whole, character.strokes) };
}

/** The length of a stroke, as a share of the side. */
export const lengthOf = ({ points }) =>
  points.slice(1).reduce((sum, point, index) => sum + distance(point, points[index]), 0);

/** The ink of the first `share`, 0-1, of a stroke, out of its layer. */
export function begun(layer, stroke, share) {
  if (share >= 1) return layer;
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = stroke.width * SIDE;
  context.beginPath();
  beginning(stroke, share).forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x * SIDE, y * SIDE);
    else context.lineTo(x * SIDE, y * SIDE);
  });
  context.stroke();
  context.globalCompositeOperation = "source-in";
  context.drawImage(layer, 0, 0);
  return canvas;
}

/** The points of the first `share` of a stroke. */
function beginning(stroke, share) {
  const [first, ...others] = stroke.points;
  const way = [first];
  let left = share * lengthOf(stroke);
  for (const point of others) {
    const last = way.at(-1);
    const step = distance(point, last);
    if (step >= left) {
      const part = step ? left / step : 0;
      way.push([0, 1].map((axis) => last[axis] + (point[axis] - last[axis]) * part));
      break;
    }
    left -= step;
    way.push(point);
  }
  return way;
}

function apart(whole, strokes) {
  const image = whole.getContext("2d").getImageData(0, 0, SIDE, SIDE);
  const layers = strokes.map(() => new ImageData(SIDE, SIDE));
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const opacity = image.data[pixel * 4 + 3];
    if (!opacity) continue;
    const place = [((pixel % SIDE) + 0.5) / SIDE, (Math.floor(pixel / SIDE) + 0.5) / SIDE];
    const off = strokes.map((stroke) => awayFrom(stroke, place) / stroke.width);
    const least = Math.max(Math.min(...off), CORE);
    off.forEach((share, index) => {
      if (share <= least) layers[index].data[pixel * 4 + 3] = opacity;
    });
  }
  return layers.map((layer) => {
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    canvas.getContext("2d").putImageData(layer, 0, 0);
    return canvas;
  });
}

/** How far a place is from the middle of a stroke. */
function awayFrom({ points }, place) {
  let least = distance(points[0], place);
  for (let index = 1; index < points.length; index++) {
    least = Math.min(least, awayFromLine(points[index - 1], points[index], place));
  }
  return least;
}

function awayFromLine(from, to, [x, y]) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  const along = length ? ((x - from[0]) * dx + (y - from[1]) * dy) / length : 0;
  const share = Math.min(1, Math.max(0, along));
  return distance([from[0] + share * dx, from[1] + share * dy], [x, y]);
}

const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);
