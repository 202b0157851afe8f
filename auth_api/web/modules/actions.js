// What is done by a button: once at a time, what cannot be undone only when it is meant, and what
// goes wrong is said in place.

import { Problem, sentence } from "./api.js";
import { el, fill } from "./dom.js";
import { tool } from "./pad-tools.js";
import { t } from "./strings.js";

/** Shows what was thrown in `place`; that a view was left is no problem. */
export function complain(place, problem) {
  if (problem.name === "AbortError") return;
  if (!(problem instanceof Problem)) reportError(problem); // a bug: the console shall have it
  fill(place, el("p", { class: "notice error", role: "alert" }, sentence(problem)));
}

/** Does `work`, and shows in `place` what it throws, in place of what was said there before. */
export async function attempt(work, place) {
  fill(place);
  try {
    await work();
  } catch (problem) {
    complain(place, problem);
  }
}

/** Does `work` while `button` cannot be pressed; the focus comes back to it. */
export async function whileBusy(button, work) {
  const focused = document.activeElement === button;
  button.disabled = true;
  try {
    return await work();
  } finally {
    button.disabled = false;
    const lost = [button, document.body, null].includes(document.activeElement);
    if (focused && lost && button.isConnected) button.focus();
  }
}

/** A button for `work`, which it waits for; what that throws is shown in `said`. */
export function action(label, work, said, kind = "") {
  const button = tool(label, () => attempt(() => whileBusy(button, work), said));
  if (kind) button.classList.add(kind);
  return button;
}

/**
 * A button that asks in its own place whether one really means it before it does `act`; a sentence
 * below says what `act` throws.
 * @param {{label: string, name: string, act: () => Promise<void>, why?: string, sure?: string,
 *   kind?: string, sureKind?: string}} options `name` says what it is done to, for those who do not
 *   see where the button stands; `why` what comes of it; `sure` is the button that does it
 */
export function confirming(options) {
  const { label, name, act, why = null, sure = label, kind = "", sureKind = "danger" } = options;
  const place = el("div", { class: "confirming row", role: "group", "aria-label": name });
  const problem = el("div", {});
  const ask = tool(label, () => {
    fill(problem);
    fill(place, question);
    no.focus(); // where a key that is held down does no harm
  });
  ask.setAttribute("aria-label", `${label}: ${name}`);
  if (kind) ask.classList.add(kind);
  const back = () => {
    fill(place, ask);
    ask.focus();
  };
  const no = tool(t("action.cancel"), back);
  const yes = tool(sure, async (event) => {
    if (event.detail > 1) return; // the second half of a double click on `ask`
    no.disabled = true;
    try {
      await whileBusy(yes, act);
    } catch (thrown) {
      if (thrown.name === "AbortError") return;
      back();
      complain(problem, thrown);
    } finally {
      no.disabled = false;
    }
  });
  yes.classList.add(sureKind);
  const question = why ? asked(why, yes, no) : [yes, no];
  place.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !no.isConnected || no.disabled) return;
    event.preventDefault(); // a dialogue that it stands in stays open
    back();
  });
  fill(place, ask);
  return el("div", { class: "stack tight" }, place, problem);
}

const asked = (why, ...ways) =>
  el(
    "div",
    { class: "notice stack", role: "group", "aria-label": why },
    el("p", {}, why),
    el("div", { class: "row" }, ways),
  );
