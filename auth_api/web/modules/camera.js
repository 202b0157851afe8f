// Takes a photograph, with a preview where the browser lets the page see the camera.

import { el } from "./dom.js";
import { tool } from "./pad-tools.js";
import { t } from "./strings.js";

const QUALITY = 0.92;

/** A photograph as a File; null if none is taken. Throws the browser's error if it may not. */
export async function photograph() {
  // Only pages from a trustworthy origin see a camera; others let the telephone take the picture.
  if (!navigator.mediaDevices) return fromTelephone();
  const video = { facingMode: "environment", width: { ideal: 1920 } };
  const stream = await navigator.mediaDevices.getUserMedia({ video });
  try {
    return await fromPreview(stream);
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

function fromTelephone() {
  return new Promise((resolve) => {
    const input = el("input", { type: "file", accept: "image/*", capture: "environment" });
    input.addEventListener("change", () => resolve(input.files[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

function fromPreview(stream) {
  return new Promise((resolve) => {
    const video = el("video", {
      autoplay: true,
      playsinline: true,
      "aria-label": t("camera.view"),
    });
    video.muted = true;
    video.srcObject = stream;
    let taken = null;
    const take = async () => {
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      canvas.getContext("2d").drawImage(video, 0, 0);
      const picture = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
      taken = new File([picture], "photograph.jpg", { type: picture.type });
      dialog.close();
    };
    const buttons = el(
      "p",
      { class: "row" },
      el(
        "button",
        { class: "button primary", type: "button", on: { click: take } },
        t("camera.take"),
      ),
      tool(t("action.cancel"), () => dialog.close()),
    );
    const dialog = el(
      "dialog",
      { class: "stack", "aria-label": t("camera.title") },
      video,
      buttons,
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(taken);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
