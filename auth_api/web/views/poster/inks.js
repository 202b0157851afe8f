// The ink for each tile of the poster: the learner's own, or that of the reference.

import { fetchBlob } from "../../modules/api.js";
import { referencePath } from "../../modules/characters.js";
import { extractInk, overlayOpacity, paperOpacity } from "../practise/ink.js";

const MAX_CONCURRENCY = 4;

/**
 * `{ink, isOwn}` for each of `characters`. `best` are the results of
 * `/api/history/similarities/best/`; their overlays have the learner's ink where the reference is.
 * @throws {ApiError}
 */
export async function loadInks(characters, best, signal) {
  const overlays = new Map(best.map((each) => [each.class, each.images.overlay]));
  const inks = new Array(characters.length);
  const waiting = characters.map((each) => each.class);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const overlay = overlays.get(next);
      const own = overlay ? await load(overlay, overlayOpacity, signal) : null;
      const ink = own ?? (await load(referencePath(next), paperOpacity, signal));
      inks[next] = { ink, isOwn: own !== null };
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENCY }, work));
  return inks;
}

/** The ink of a picture, or null if there is no such picture. */
async function load(path, opacityOf, signal) {
  try {
    const picture = await createImageBitmap(await fetchBlob(path, { signal, accept: "image/*" }));
    return extractInk(picture, opacityOf);
  } catch (error) {
    if (error.status === 404) return null; // deleted meanwhile
    throw error;
  }
}
