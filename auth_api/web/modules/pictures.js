// Input of pictures: file dialog, drop, paste, camera.

import { photograph } from "./camera.js";
import { button } from "./components.js";
import { el } from "./dom.js";
import { downscaleIfLarge } from "./downscale.js";
import { t } from "./strings.js";

/**
 * Buttons to choose or photograph pictures. Drop and paste work anywhere in the page until `signal`
 * aborts.
 * @param {{several: boolean, cameraTitle?: string, onPictures: (files: File[]) => void,
 *   onError: (message: string) => void, signal: AbortSignal}} options With `several`, `onPictures` gets
 *   other files too if there are pictures among them; `isPicture` tells them apart. `cameraTitle` says
 *   what to photograph if it is not a character.
 */
export function pictureInputs({ several, cameraTitle, onPictures, onError, signal }) {
  const accept = async (list) => {
    const files = [...list];
    const pictures = files.filter(isPicture);
    if (!pictures.length) {
      const names = files.map(({ name }) => name).join(", ");
      if (files.length) onError(t("pictures.none", { count: files.length, names }));
      return;
    }
    const chosen = several ? files : pictures.slice(0, 1);
    const taken = await Promise.all(
      chosen.map((file) => (isPicture(file) ? downscaleIfLarge(file) : file)),
    );
    if (!signal.aborted) onPictures(taken);
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
      const picture = await photograph(cameraTitle ?? t("camera.title"));
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

/** Whether a file is a picture. Some systems do not know the type of HEIC files. */
export const isPicture = ({ name, type }) =>
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
