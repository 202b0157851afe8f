// Pictures of ink on paper as ink alone, to be laid over each other in any colour.

/** Side in pixels of the service's pictures. */
export const SIDE = 256;

/** The opacity of black ink on white paper. */
export const ofPaper = (red) => 255 - red;

// The overlay lays the learner's ink over the reference at half opacity, in a red that has 190 more
// of red than of green (handlers/drawing.py); the reference itself is grey.
/** The opacity of the learner's ink in an overlay. */
export const ofOverlay = (red, green) => ((red - green) / 190) * 2 * 255;

/**
 * The ink in a picture as a canvas of 256x256, transparent where there is none.
 * @param {CanvasImageSource} picture
 * @param {(red: number, green: number) => number} opacityOf 0-255 of a pixel
 */
export function inkOf(picture, opacityOf) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, SIDE, SIDE);
  const image = context.getImageData(0, 0, SIDE, SIDE);
  const { data } = image;
  for (let at = 0; at < data.length; at += 4) {
    data[at + 3] = opacityOf(data[at], data[at + 1]); // clamped to 0-255
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A picture that stands in an answer as a `data:` URI. */
export async function decoded(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  return image;
}

/** Draws ink in one colour over the whole of a square. */
export function drawInk(context, side, ink, colour, opacity = 1) {
  const scratch = new OffscreenCanvas(SIDE, SIDE);
  const own = scratch.getContext("2d");
  own.drawImage(ink, 0, 0);
  own.globalCompositeOperation = "source-in";
  own.fillStyle = colour;
  own.fillRect(0, 0, SIDE, SIDE);
  context.save();
  context.globalAlpha = opacity;
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch, 0, 0, side, side);
  context.restore();
}

/** Several inks as one. */
export function together(inks) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  for (const ink of inks) context.drawImage(ink, 0, 0);
  return canvas;
}
