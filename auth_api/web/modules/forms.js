// Forms: what is wrong is said at its field, what was done beside the button, and nothing that was
// typed is lost.

import { Problem, sentence } from "./api.js";
import { el, fill } from "./dom.js";
import { hasString, t } from "./strings.js";

let count = 0;

/**
 * A labelled input, `{element, input, value, say}`; `say` shows what is wrong with it, null for
 * nothing.
 * @param {string} label
 * @param {object} properties of the input
 * @param {{hint?: string, beside?: Node}} options `beside` is shown next to the input
 */
export function field(label, properties, { hint = null, beside = null } = {}) {
  const id = `field-${++count}`;
  const problem = el("span", { class: "problem", id: `${id}-problem` });
  const told = hint ? `${id}-hint ${id}-problem` : `${id}-problem`;
  const input = el("input", { id, "aria-describedby": told, ...properties });
  const say = (reason) => {
    fill(problem, reason);
    if (reason) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => say(null));
  const element = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    beside ? el("div", { class: "beside" }, input, beside) : input,
    hint ? el("span", { class: "hint small", id: `${id}-hint` }, hint) : null,
    problem,
  );
  return { element, input, say, value: () => input.value };
}

/** A box to tick, of the same shape as `field`. */
export function checkbox(label, checked, hint = null) {
  const id = `field-${++count}`;
  const problem = el("span", { class: "problem", id: `${id}-problem` });
  const told = hint ? `${id}-hint ${id}-problem` : `${id}-problem`;
  const input = el("input", { id, type: "checkbox", checked, "aria-describedby": told });
  const element = el(
    "div",
    { class: "tick" },
    el("label", { class: "check" }, input, label),
    hint ? el("span", { class: "hint small", id: `${id}-hint` }, hint) : null,
    problem,
  );
  return { element, input, say: (reason) => fill(problem, reason), value: () => input.checked };
}

/**
 * A form. `send` is given the values by name and answers what is to be said of it, nothing for
 * nothing; what it throws is shown, at the fields that it names (`codes`: further codes of errors
 * and the field each is about).
 * @param {{fields: object, submit: string, send: (values: object) => Promise<string?>,
 *   codes?: object, primary?: boolean, danger?: boolean, before?: Node[]}} options `fields` are
 *   made by `field` and `checkbox`, named as the service names them
 */
export function form({ fields, submit, send, codes = {}, danger = false, before = [] }) {
  for (const [name, { input }] of Object.entries(fields)) input.name = name;
  const said = el("p", { class: "said", role: "status" });
  const failed = el("p", { class: "said", role: "alert" });
  const button = el(
    "button",
    { class: danger ? "button danger" : "button primary", type: "submit" },
    submit,
  );
  const onSubmit = async (event) => {
    event.preventDefault();
    fill(said);
    fill(failed);
    said.className = failed.className = "said";
    const entries = Object.entries(fields);
    for (const [, each] of entries) each.say(null);
    const missing = entries.filter(([, { input }]) => input.required && !input.value);
    for (const [, each] of missing) each.say(t("reason.missing"));
    if (missing.length) return missing[0][1].input.focus();
    try {
      const values = Object.fromEntries(entries.map(([name, each]) => [name, each.value()]));
      const done = await whileBusy(button, () => send(values));
      if (done) {
        said.classList.add("notice", "good");
        fill(said, done);
      }
    } catch (problem) {
      const wrong = reasons(problem, codes).filter(([name]) => name in fields);
      for (const [name, reason] of wrong) fields[name].say(reason);
      if (wrong.length) fields[wrong[0][0]].input.focus();
      else {
        failed.classList.add("notice", "error");
        fill(failed, sentence(problem));
      }
    }
  };
  return el(
    "form",
    { class: "stack", novalidate: true, on: { submit: onSubmit } },
    before,
    Object.values(fields).map((each) => each.element),
    el("div", { class: "row" }, button),
    said,
    failed,
  );
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

/**
 * A button that asks whether one really means it before it does `act`; a sentence in its place
 * says what `act` throws.
 * @param {{label: string, name: string, question: string, act: () => Promise<void>,
 *   quiet?: boolean}} options `name` says what is deleted, for those who do not see where the
 *   button stands
 */
export function confirming({ label, name, question, act, quiet = false }) {
  const place = el("div", { class: "confirming row", role: "group", "aria-label": name });
  const problem = el("p", { class: "problem small", role: "alert" });
  const ask = el(
    "button",
    { class: quiet ? "button quiet" : "button", type: "button", "aria-label": `${label}: ${name}` },
    label,
  );
  const sure = el("button", { class: "button danger", type: "button" }, question);
  const keep = el("button", { class: "button", type: "button" }, t("action.cancel"));
  const back = () => {
    fill(place, ask);
    ask.focus();
  };
  ask.addEventListener("click", () => {
    fill(problem);
    fill(place, sure, keep);
    keep.focus(); // where a key that is held down does no harm
  });
  keep.addEventListener("click", back);
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && keep.isConnected) back();
  });
  sure.addEventListener("click", async (event) => {
    if (event.detail > 1) return; // the second half of a double click on `ask`
    keep.disabled = true;
    try {
      await whileBusy(sure, act);
    } catch (thrown) {
      if (thrown.name === "AbortError") return;
      back();
      fill(problem, sentence(thrown));
    } finally {
      keep.disabled = false;
    }
  });
  fill(place, ask);
  return el("div", { class: "stack tight" }, place, problem);
}

/** Field and reason, of all that a Problem finds wrong. */
function reasons(problem, codes) {
  if (!(problem instanceof Problem)) return [];
  if (problem.code in codes) return [[codes[problem.code], sentence(problem)]];
  return Object.entries(problem.details?.fields ?? {}).map(([name, reason]) => {
    // What stands after a colon are particulars.
    const known = [reason, reason.split(":")[0]].find((words) => hasString(`reason.${words}`));
    return [name, known ? t(`reason.${known}`) : `${reason.replace(/\.$/, "")}.`];
  });
}
