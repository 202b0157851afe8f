// Forms: what is wrong is said at its field, what was done beside the button, and nothing that was
// typed is lost.

import { complain, whileBusy } from "./actions.js";
import { Problem, sentence } from "./api.js";
import { el, fill } from "./dom.js";
import { hasString, loadStrings, t } from "./strings.js";

await loadStrings("forms"); // forms are in views of several areas

let count = 0;

/**
 * A labelled control, `{element, control, value, say}`; `say` shows what is wrong with it, null for
 * nothing.
 * @param {string} label
 * @param {Element} control an input or a select
 * @param {{hint?: string, beside?: Node}} options `beside` is shown next to the control
 */
export function field(label, control, { hint = null, beside = null } = {}) {
  const { id, ...described } = describe(control, hint);
  const element = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    beside ? el("div", { class: "beside" }, control, beside) : control,
    described.nodes,
  );
  const value = () => (control.type === "file" ? [...control.files] : control.value);
  return { element, control, say: described.say, value };
}

/** A box to tick, of the same shape as `field`. */
export function checkbox(label, checked, hint = null) {
  const control = el("input", { type: "checkbox", checked });
  const { nodes, say } = describe(control, hint);
  const element = el(
    "div",
    { class: "tick" },
    el("label", { class: "check" }, control, label),
    nodes,
  );
  return { element, control, say, value: () => control.checked };
}

/** A choice out of `[value, name]`. */
export const select = (choices, chosen, properties = {}) =>
  el("select", properties, options(choices, chosen));

/** What can be chosen in a select. */
export const options = (choices, chosen = null) =>
  choices.map(([value, name]) => el("option", { value, selected: value === chosen }, name));

/**
 * A form. `send` is given the values by name and answers what is to be said of it, nothing for
 * nothing; what it throws is shown, at the fields that it names (`codes`: further codes of errors
 * and the field each is about).
 * @param {{fields: object, submit: string, send: (values: object) => Promise<string?>,
 *   codes?: object, kind?: string, doing?: string, beside?: Node}} options `fields` are made by
 *   `field` and `checkbox`, named as the service names them; `doing` is said while it is sent;
 *   `beside` stands beside the button
 * @param {...Node} content what stands above the button, if it is not just the fields
 */
export function form(
  { fields, submit, send, codes = {}, kind = "primary", doing = null, beside = null },
  ...content
) {
  const entries = Object.entries(fields);
  for (const [name, { control }] of entries) control.name = name;
  const said = el("div", { class: "said", role: "status" });
  const failed = el("div", {});
  const button = el("button", { class: `button ${kind}`, type: "submit" }, submit);
  const onSubmit = async (event) => {
    event.preventDefault();
    fill(said);
    fill(failed);
    for (const [, each] of entries) each.say(fault(each.control));
    const wrong = entries.find(([, each]) => fault(each.control));
    if (wrong) return wrong[1].control.focus();
    try {
      const values = Object.fromEntries(entries.map(([name, each]) => [name, each.value()]));
      if (doing) fill(said, el("p", { class: "hint" }, doing));
      const done = await whileBusy(button, () => send(values));
      fill(said, done ? el("p", { class: "notice good" }, done) : null);
    } catch (problem) {
      fill(said);
      const known = reasons(problem, codes, fields).filter(([name]) => name in fields);
      for (const [name, reason] of known) fields[name].say(reason);
      if (known.length) fields[known[0][0]].control.focus();
      else complain(failed, problem);
    }
  };
  return el(
    "form",
    { class: "stack", novalidate: true, on: { submit: onSubmit } },
    content.length ? content : entries.map(([, each]) => each.element),
    el("div", { class: "row" }, button, beside),
    said,
    failed,
  );
}

/** What belongs to a control: its hint and what is wrong with it, which it is described by. */
function describe(control, hint) {
  const id = (control.id ||= `field-${++count}`);
  const problem = el("span", { class: "problem", id: `${id}-problem` });
  const told = hint ? el("span", { class: "hint small", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", told ? `${told.id} ${problem.id}` : problem.id);
  const say = (reason) => {
    fill(problem, reason);
    if (reason) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  control.addEventListener("input", () => say(null));
  return { id, nodes: [told, problem], say };
}

/** What the browser finds wrong with a control, null for nothing. */
function fault({ validity, validationMessage }) {
  if (validity.valueMissing && !validity.badInput) return t("reason.missing");
  // What is an e-mail address the service knows, and says it in the language of the page.
  return validity.valid || validity.typeMismatch ? null : validationMessage;
}

/** Field and reason, of all that a Problem finds wrong. */
function reasons(problem, codes, fields) {
  if (!(problem instanceof Problem)) return [];
  if (problem.code in codes) return [[codes[problem.code], sentence(problem)]];
  return Object.entries(problem.details?.fields ?? {}).map(([path, reason]) => {
    // What stands after a colon are particulars.
    const known = [reason, reason.split(":")[0]].find((words) => hasString(`reason.${words}`));
    const words = known ? t(`reason.${known}`) : asSentence(reason);
    return [path in fields ? path : path.split(".")[0], words];
  });
}

const asSentence = (reason) =>
  `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`;
