// The strokes of a reference image: the ink of each, and where it begins.

import { fetchBlob } from "../../modules/api.js";
import { referencePath } from "../../modules/characters.js";
import { number } from "../../modules/strings.js";
import { themeColour } from "../../modules/theme-colours.js";
import { extractInk, paperOpacity, SIDE } from "./ink.js";

// Radius of the dot at the start of a stroke, as a fraction of the side.
const MARK_RADIUS = 0.032;

/**
 * `{whole, strokes, starts}`: the ink of the reference of `character`, and of each stroke in writing
 * order, as canvases of 256x256; and where each stroke begins.
 * @throws {ApiError}
 */
export async function loadLayers(character, signal) {
  const path = referencePath(character.class);
  const picture = await createImageBitmap(await fetchBlob(path, { signal, accept: "image/png" }));
  const whole = extractInk(picture, paperOpacity);
  const starts = character.strokes.map(({ points }) => points[0]);
  return { whole, strokes: splitByStroke(whole, character.strokes), starts };
}

/** Marks the start of a stroke with its number. `layers` are of `loadLayers`. */
export function drawStart(context, side, layers, index) {
  const [x, y] = layers.starts[index].map((share) => share * side);
  context.beginPath();
  context.arc(x, y, MARK_RADIUS * side, 0, 2 * Math.PI);
  context.fillStyle = themeColour("--surface");
  context.strokeStyle = themeColour("--accent");
  context.lineWidth = side * 0.006;
  context.fill();
  context.stroke();
  context.fillStyle = themeColour("--ink");
  context.font = `600 ${MARK_RADIUS * 1.3 * side}px ${themeColour("--text")}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(number(index + 1), x, y);
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

// Ink belongs to every stroke whose nib passes over it, so that crossings belong to both strokes.
// The little that no nib reaches belongs to the nearest stroke.
function splitByStroke(whole, strokes) {
  const image = whole.getContext("2d").getImageData(0, 0, SIDE, SIDE);
  const edges = strokes.map(nibEdges);
  const swept = edges.map((lines, index) => sweep(lines, strokes[index].nib.edge));
  const layers = strokes.map(() => new ImageData(SIDE, SIDE));
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const alpha = pixel * 4 + 3;
    const opacity = image.data[alpha];
    if (!opacity) continue;
    const passed = swept.map((data) => data[alpha]);
    let scores = passed;
    if (!passed.some(Boolean)) {
      const point = [((pixel % SIDE) + 0.5) / SIDE, (Math.floor(pixel / SIDE) + 0.5) / SIDE];
      scores = edges.map((lines) => -Math.min(...lines.map((line) => distanceToLine(line, point))));
    }
    const most = Math.max(...scores);
    layers.forEach((layer, index) => {
      const whole = scores[index] === most;
      layer.data[alpha] = whole ? opacity : (opacity * passed[index]) / 255;
    });
  }
  return layers.map((layer) => {
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    canvas.getContext("2d").putImageData(layer, 0, 0);
    return canvas;
  });
}

/** The two lines that the ends of the nib draw. */
function nibEdges({ points, nib }) {
  const angle = (nib.angle * Math.PI) / 180;
  return [-0.5, 0.5].map((end) =>
    points.map(([x, y], index) => [
      x + end * nib.widths[index] * Math.cos(angle),
      y + end * nib.widths[index] * Math.sin(angle),
    ]),
  );
}

/** The RGBA values of the area between two lines, with `edge` around it. */
function sweep([left, right], edge) {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  context.scale(SIDE, SIDE);
  context.lineJoin = "round";
  context.lineWidth = 2 * edge;
  for (let index = 1; index < left.length; index++) {
    const [first, ...others] = [left[index - 1], right[index - 1], right[index], left[index]];
    context.beginPath();
    context.moveTo(...first);
    for (const corner of others) context.lineTo(...corner);
    context.closePath();
    context.fill();
    context.stroke();
  }
  return context.getImageData(0, 0, SIDE, SIDE).data;
}

function distanceToLine(points, point) {
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
