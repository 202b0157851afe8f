// A picture that a learner made: shown, saved as a file, shared and printed.

import { actionButton } from "./actions.js";
import { button } from "./components.js";
import { el, saveFile } from "./dom.js";
import { t } from "./strings.js";

/** Colours of a keepsake: it is paper, whatever the theme. */
export const PAPER = { sheet: "#fffdf8", ink: "#1f1a14", soft: "#5f5548", line: "#cfc4b0" };

/** The card with `canvas`, which is described by `alt` and saved as `name`. */
export function keepsake(title, canvas, alt, name) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", alt);
  const errors = el("div", {});
  const save = async () => saveFile(await pngOf(canvas), name);
  const share = async () => navigator.share({ files: [await fileOf(canvas, name)] });
  return el(
    "section",
    { class: "card stack keepsake" },
    el("h2", {}, title),
    canvas,
    el(
      "p",
      { class: "row" },
      actionButton(t("keepsake.save"), save, errors, "primary"),
      canShare() ? actionButton(t("keepsake.share"), share, errors) : null,
      button(t("keepsake.print"), () => print()),
    ),
    errors,
  );
}

const pngOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

const fileOf = async (canvas, name) => new File([await pngOf(canvas)], name, { type: "image/png" });

/** Whether the browser can share a picture. Most do on phones only. */
function canShare() {
  const files = [new File([], "picture.png", { type: "image/png" })];
  return navigator.canShare?.({ files }) ?? false;
}
