// The font of the Ranjana script. Only views that write with it load it.

import { fetchBlob } from "./api.js";

const FILE = new URL("../fonts/nithya-ranjana.woff2", import.meta.url);

/** Family of the font, for canvases; style sheets name it too. */
export const RANJANA = "Nithya Ranjana";

let loading = null;

/** Loads the font. @throws {ApiError} */
export async function loadRanjanaFont() {
  loading ??= load();
  loading.catch(() => (loading = null)); // the next call tries again
  return loading;
}

async function load() {
  const file = await fetchBlob(FILE, { accept: "font/woff2" });
  const face = new FontFace(RANJANA, await file.arrayBuffer());
  document.fonts.add(await face.load());
}
