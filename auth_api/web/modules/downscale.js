// Scales down pictures that are too large for the service. Others are sent unchanged.

// Below the service's limit (MAX_BODY_BYTES, 10 MB by default), with room for the form.
const MAX_BYTES = 9_500_000;
// Longer side in pixels. Characters are recognised even at a tenth of it.
const MAX_SIDE = 3000;
const JPEG_QUALITY = 0.9;

/** `file`, or a JPEG of it with fewer pixels. Unchanged if the browser cannot decode it. */
export async function downscaleIfLarge(file) {
  if (file.size <= MAX_BYTES) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(
      Math.round(picture.width * scale),
      Math.round(picture.height * scale),
    );
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const smaller = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    return new File([smaller], file.name, { type: smaller.type });
  } catch {
    return file; // the service reports the error
  }
}
