// Scales down pictures that are too large for the service. Others are sent unchanged.

// Below the service's limit (MAX_BODY_BYTES, 10 MB by default), with room for the form.
const MAX_BYTES = 9_500_000;
// Most cameras have 12 million pixels. The service reads 40 million, of a JPEG 64 million.
const MAX_PIXELS = 16_000_000;
// Longer side in pixels. Characters are recognised even at a tenth of it.
const MAX_SIDE = 2000;
const QUALITY = 0.9;

/**
 * `file`, or a picture of it with fewer pixels, transparent where `file` is. Unchanged if the
 * browser cannot decode it: few decode HEIC, which the service reads.
 */
export async function downscaleIfLarge(file) {
  try {
    const { width, height } = await sizeOf(file);
    if (file.size <= MAX_BYTES && width * height <= MAX_PIXELS) return file;
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
    const side = (pixels) => Math.max(1, Math.round(pixels * scale));
    const canvas = new OffscreenCanvas(side(picture.width), side(picture.height));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    // A JPEG has no transparency. Safari cannot write WebP and writes PNG instead.
    const type = file.type === "image/jpeg" ? file.type : "image/webp";
    const smaller = await canvas.convertToBlob({ type, quality: QUALITY });
    return new File([smaller], file.name, { type: smaller.type });
  } catch {
    return file; // the service reports the error
  }
}

/** Width and height in pixels. Reads the header: browsers decode the rest when they show it. */
async function sizeOf(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
