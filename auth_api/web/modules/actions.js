// Buttons that run something: only once at a time, with a question first where an action cannot be
// undone. Errors are shown beside the button.

import { ApiError, errorMessage } from "./api.js";
import { button } from "./components.js";
import { el, fill } from "./dom.js";
import { t } from "./strings.js";

/** Shows an error in `container`. Ignores an `AbortError`, because the view was left. */
export function showError(container, error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof ApiError)) reportError(error); // a bug: it belongs in the console
  fill(container, el("p", { class: "notice error", role: "alert" }, errorMessage(error)));
}

/** Runs `work`. Clears `container` first, and shows errors in it. */
export async function attempt(work, container) {
  fill(container);
  try {
    await work();
  } catch (error) {
    showError(container, error);
  }
}

/** Disables `element`, a button, while `work` runs. Gives the focus back to it afterwards. */
export async function whileBusy(element, work) {
  const focused = document.activeElement === element;
  element.disabled = true;
  try {
    return await work();
  } finally {
    element.disabled = false;
    const lost = [element, document.body, null].includes(document.activeElement);
    if (focused && lost && element.isConnected) element.focus();
  }
}

/** A button that runs `work`, disabled meanwhile. Errors are shown in `errors`. */
export function actionButton(label, work, errors, kind = "") {
  const element = button(label, () => attempt(() => whileBusy(element, work), errors), kind);
  return element;
}

/**
 * A button that asks for confirmation before it runs `act`. The question replaces the button;
 * errors are shown below.
 * @param {{label: string, name: string, act: () => Promise<void>, why?: string,
 *   confirmLabel?: string, kind?: string, confirmKind?: string}} options `name`: the object of the
 *   action, for screen readers; `why`: its consequences; `kind` and `confirmKind`: CSS classes of the
 *   first and of the confirming button
 */
export function confirmButton(options) {
  const { label, name, act, why = null, kind = "" } = options;
  const { confirmLabel = label, confirmKind = "danger" } = options;
  const container = el("div", { class: "confirming row", role: "group", "aria-label": name });
  const errors = el("div", {});
  const open = () => {
    fill(errors);
    fill(container, question);
    cancel.focus(); // a key that is still held down then does no harm
  };
  const first = button(label, open, kind);
  first.setAttribute("aria-label", `${label}: ${name}`);
  const reset = () => {
    fill(container, first);
    first.focus();
  };
  const cancel = button(t("action.cancel"), reset);
  const run = async (event) => {
    if (event.detail > 1) return; // the second half of a double click on the first button
    cancel.disabled = true;
    try {
      await whileBusy(confirm, act);
    } catch (error) {
      if (error.name === "AbortError") return;
      reset();
      showError(errors, error);
    } finally {
      cancel.disabled = false;
    }
  };
  const confirm = button(confirmLabel, run, confirmKind);
  const question = why ? questionBox(why, confirm, cancel) : [confirm, cancel];
  container.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !cancel.isConnected || cancel.disabled) return;
    event.preventDefault(); // otherwise Escape closes the dialog around it
    reset();
  });
  fill(container, first);
  return el("div", { class: "stack tight" }, container, errors);
}

const questionBox = (why, ...buttons) =>
  el(
    "div",
    { class: "notice stack", role: "group", "aria-label": why },
    el("p", {}, why),
    el("div", { class: "row" }, buttons),
  );
