// Cuts a part out of a picture.

// Around the part, as a share of its longer side.
const MARGIN = 0.12;

/** The part of a picture, a Blob, around `box`: left, top, width, height in shares of it. */
export async function crop(picture, [left, top, width, height]) {
  const image = await createImageBitmap(picture);
  const margin = MARGIN * Math.max(width * image.width, height * image.height);
  const x = Math.max(0, left * image.width - margin);
  const y = Math.max(0, top * image.height - margin);
  const endX = Math.min(image.width, (left + width) * image.width + margin);
  const endY = Math.min(image.height, (top + height) * image.height + margin);
  const canvas = new OffscreenCanvas(Math.ceil(endX - x), Math.ceil(endY - y));
  canvas.getContext("2d").drawImage(image, -x, -y);
  image.close();
  return canvas.convertToBlob({ type: "image/png" });
}
