// Extracts the ink from pictures, so that it can be drawn in any colour.

/** Side in pixels of the service's pictures. */
export const SIDE = 256;

/** Opacity of black ink on white paper. */
export const paperOpacity = (red) => 255 - red;

/**
 * Opacity of the user's ink in an overlay. The overlay has it at half opacity over the grey
 * reference, in a red whose red exceeds its green by 190 (handlers/drawing.py).
 */
export const overlayOpacity = (red, green) => ((red - green) / 190) * 2 * 255;

/**
 * The ink of a picture as a transparent canvas of 256x256.
 * @param {CanvasImageSource} picture
 * @param {(red: number, green: number) => number} opacityOf opacity of a pixel, 0 to 255
 */
export function extractInk(picture, opacityOf) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, SIDE, SIDE);
  const image = context.getImageData(0, 0, SIDE, SIDE);
  const { data } = image;
  for (let at = 0; at < data.length; at += 4) {
    data[at + 3] = opacityOf(data[at], data[at + 1]); // the array clamps it to 0-255
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Decodes a picture from a `data:` URI. */
export async function decodeImage(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  return image;
}

/** Draws ink in one colour, scaled to a square of `side` pixels. */
export function drawInk(context, side, ink, colour, opacity = 1) {
  const scratch = new OffscreenCanvas(SIDE, SIDE);
  const scratchContext = scratch.getContext("2d");
  scratchContext.drawImage(ink, 0, 0);
  scratchContext.globalCompositeOperation = "source-in";
  scratchContext.fillStyle = colour;
  scratchContext.fillRect(0, 0, SIDE, SIDE);
  context.save();
  context.globalAlpha = opacity;
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch, 0, 0, side, side);
  context.restore();
}

/** Merges several inks into one. */
export function mergeInks(inks) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  for (const ink of inks) context.drawImage(ink, 0, 0);
  return canvas;
}
