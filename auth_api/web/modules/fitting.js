// Pictures of more bytes than the service takes are made smaller; all others are sent as they are.

// Bytes: under the service's own limit (MAX_BODY_BYTES, 10 MB by default), with room for the form.
const MOST_BYTES = 9_500_000;
// Longer side in pixels of what is made smaller: a character of it is still read at a tenth of that.
const LONGEST = 3000;
const QUALITY = 0.9;

/** `file`, or the same picture with fewer pixels; as it is where the browser cannot read it. */
export async function fitted(file) {
  if (file.size <= MOST_BYTES) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(
      Math.round(picture.width * scale),
      Math.round(picture.height * scale),
    );
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const smaller = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return new File([smaller], file.name, { type: smaller.type });
  } catch {
    return file; // the service says what is wrong with it
  }
}
