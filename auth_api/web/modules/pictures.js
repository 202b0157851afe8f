// Input of pictures: file dialog, drop, paste, camera.

import { photograph } from "./camera.js";
import { button } from "./components.js";
import { el } from "./dom.js";
import { downscaleIfLarge } from "./downscale.js";
import { t } from "./strings.js";

/**
 * Buttons to choose or photograph pictures. Drop and paste work anywhere in the page until `signal`
 * aborts.
 * @param {{several: boolean, onPictures: (files: File[]) => void,
 *   onError: (message: string) => void, signal: AbortSignal}} options
 */
export function pictureInputs({ several, onPictures, onError, signal }) {
  const accept = async (list) => {
    const files = [...list].filter(isPicture);
    const taken = await Promise.all((several ? files : files.slice(0, 1)).map(downscaleIfLarge));
    if (signal.aborted) return;
    if (taken.length) onPictures(taken);
    else if (list.length) onError(t("pictures.none"));
  };
  const input = el("input", {
    type: "file",
    accept: "image/*",
    multiple: several,
    class: "visually-hidden",
    tabindex: "-1",
    "aria-label": t(several ? "pictures.choose" : "pictures.chooseOne"),
    on: {
      change: () => {
        accept([...input.files]);
        input.value = "";
      },
    },
  });
  const takePhotograph = async () => {
    try {
      const picture = await photograph();
      if (picture) accept([picture]);
    } catch {
      onError(t("camera.refused"));
    }
  };
  const onPaste = (event) => {
    if (event.clipboardData.files.length) accept([...event.clipboardData.files]);
  };
  onDrop((files) => accept([...files]), signal);
  addEventListener("paste", onPaste, { signal });
  return [
    input,
    button(t(several ? "pictures.choose" : "pictures.chooseOne"), () => input.click()),
    button(t("pictures.camera"), takePhotograph),
  ];
}

// Some systems do not know the type of HEIC files.
const isPicture = ({ name, type }) =>
  type.startsWith("image/") || (!type && /\.(heic|heif|avif)$/i.test(name));

/** Calls `listener` with files dropped anywhere in the page, until `signal` aborts. */
export function onDrop(listener, signal) {
  const onDragOver = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  const onDragLeave = (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  };
  const handleDrop = (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    listener(event.dataTransfer.files);
  };
  addEventListener("dragover", onDragOver, { signal });
  addEventListener("dragleave", onDragLeave, { signal });
  addEventListener("drop", handleDrop, { signal });
}
