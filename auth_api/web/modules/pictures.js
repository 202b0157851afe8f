// Ways for pictures to come in: chosen, dropped, pasted, photographed.

import { photograph } from "./camera.js";
import { el } from "./dom.js";
import { fitted } from "./fitting.js";
import { tool } from "./pad-tools.js";
import { t } from "./strings.js";

/**
 * Buttons for pictures; dropping and pasting them works anywhere in the page until `signal` aborts.
 * @param {{several: boolean, take: (files: File[]) => void, fail: (message: string) => void,
 *   signal: AbortSignal}} options
 */
export function pictureInputs({ several, take, fail, signal }) {
  const offer = async (list) => {
    const files = [...list].filter((file) => file.type.startsWith("image/"));
    const taken = await Promise.all((several ? files : files.slice(0, 1)).map(fitted));
    if (signal.aborted) return;
    if (taken.length) take(taken);
    else if (list.length) fail(t("pictures.none"));
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
        offer([...input.files]);
        input.value = "";
      },
    },
  });
  const shoot = async () => {
    try {
      const picture = await photograph();
      if (picture) offer([picture]);
    } catch {
      fail(t("camera.refused"));
    }
  };
  const pasted = (event) => {
    if (event.clipboardData.files.length) offer([...event.clipboardData.files]);
  };
  whenDropped((files) => offer([...files]), signal);
  addEventListener("paste", pasted, { signal });
  return [
    input,
    tool(t(several ? "pictures.choose" : "pictures.chooseOne"), () => input.click()),
    tool(t("pictures.camera"), shoot),
  ];
}

/** Gives `take` the files that are dropped anywhere in the page, until `signal` aborts. */
export function whenDropped(take, signal) {
  const over = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  const left = (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  };
  const dropped = (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    take(event.dataTransfer.files);
  };
  addEventListener("dragover", over, { signal });
  addEventListener("dragleave", left, { signal });
  addEventListener("drop", dropped, { signal });
}
