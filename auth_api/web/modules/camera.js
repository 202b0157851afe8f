// Takes a photograph, with a preview where the browser gives the page access to the camera.

import { button } from "./components.js";
import { el } from "./dom.js";
import { t } from "./strings.js";

const JPEG_QUALITY = 0.92;

/**
 * A photograph as a File, or null. `title` says what to photograph. Throws the browser's error if
 * access is denied.
 */
export async function photograph(title) {
  // Only a secure context (HTTPS, localhost) has `mediaDevices`. Elsewhere the phone's camera app
  // takes the picture.
  if (!navigator.mediaDevices) return captureWithFileInput();
  const video = { facingMode: "environment", width: { ideal: 1920 } };
  const stream = await navigator.mediaDevices.getUserMedia({ video });
  try {
    return await captureFromStream(stream, title);
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

function captureWithFileInput() {
  return new Promise((resolve) => {
    const input = el("input", { type: "file", accept: "image/*", capture: "environment" });
    input.addEventListener("change", () => resolve(input.files[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

function captureFromStream(stream, title) {
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
      const picture = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
      taken = new File([picture], "photograph.jpg", { type: picture.type });
      dialog.close();
    };
    const buttons = el(
      "p",
      { class: "row" },
      button(t("camera.take"), take, "primary"),
      button(t("action.cancel"), () => dialog.close()),
    );
    const dialog = el("dialog", { class: "stack", "aria-label": title }, video, buttons);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(taken);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
