// Splits the ink of a reference image into its strokes.

import { fetchBlob } from "../../modules/api.js";
import { referencePath } from "../../modules/characters.js";
import { extractInk, paperOpacity, SIDE } from "./ink.js";

// A pixel belongs to the stroke with the nearest centre line, measured in widths of that stroke. It
// also belongs to every stroke that is nearer than this, so that crossings belong to both strokes.
const SHARED_DISTANCE = 0.3;

/**
 * `{whole, strokes}`: the ink of the reference of `character`, and of each stroke in writing order,
 * as canvases of 256x256.
 * @throws {ApiError}
 */
export async function loadLayers(character, signal) {
  const path = referencePath(character.class);
  const picture = await createImageBitmap(await fetchBlob(path, { signal, accept: "image/png" }));
  const whole = extractInk(picture, paperOpacity);
  return { whole, strokes: splitByStroke(whole, character.strokes) };
}

/** The length of a stroke, as a fraction of the side. */
export const strokeLength = ({ points }) =>
  points.slice(1).reduce((sum, point, index) => sum + distance(point, points[index]), 0);

/** The ink of the first `share`, 0 to 1, of a stroke. `layer` is the ink of the stroke. */
export function partialStroke(layer, stroke, share) {
  if (share >= 1) return layer;
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = stroke.width * SIDE;
  context.beginPath();
  leadingPoints(stroke, share).forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x * SIDE, y * SIDE);
    else context.lineTo(x * SIDE, y * SIDE);
  });
  context.stroke();
  context.globalCompositeOperation = "source-in";
  context.drawImage(layer, 0, 0);
  return canvas;
}

/** The points of the first `share`, 0 to 1, of a stroke. */
function leadingPoints(stroke, share) {
  const [first, ...others] = stroke.points;
  const leading = [first];
  let remaining = share * strokeLength(stroke);
  for (const point of others) {
    const last = leading.at(-1);
    const step = distance(point, last);
    if (step >= remaining) {
      const part = step ? remaining / step : 0;
      leading.push([0, 1].map((axis) => last[axis] + (point[axis] - last[axis]) * part));
      break;
    }
    remaining -= step;
    leading.push(point);
  }
  return leading;
}

function splitByStroke(whole, strokes) {
  const image = whole.getContext("2d").getImageData(0, 0, SIDE, SIDE);
  const layers = strokes.map(() => new ImageData(SIDE, SIDE));
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const opacity = image.data[pixel * 4 + 3];
    if (!opacity) continue;
    const point = [((pixel % SIDE) + 0.5) / SIDE, (Math.floor(pixel / SIDE) + 0.5) / SIDE];
    const distances = strokes.map((stroke) => distanceToStroke(stroke, point) / stroke.width);
    const least = Math.max(Math.min(...distances), SHARED_DISTANCE);
    distances.forEach((share, index) => {
      if (share <= least) layers[index].data[pixel * 4 + 3] = opacity;
    });
  }
  return layers.map((layer) => {
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    canvas.getContext("2d").putImageData(layer, 0, 0);
    return canvas;
  });
}

/** Distance of a point from the centre line of a stroke. */
function distanceToStroke({ points }, point) {
  let least = distance(points[0], point);
  for (let index = 1; index < points.length; index++) {
    least = Math.min(least, distanceToSegment(points[index - 1], points[index], point));
  }
  return least;
}

function distanceToSegment(from, to, [x, y]) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  const along = length ? ((x - from[0]) * dx + (y - from[1]) * dy) / length : 0;
  const share = Math.min(1, Math.max(0, along));
  return distance([from[0] + share * dx, from[1] + share * dy], [x, y]);
}

const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);
