// Forms. An error is shown at its field, success below the button; typed values are kept.

import { showError, whileBusy } from "./actions.js";
import { ApiError, errorMessage } from "./api.js";
import { el, fill } from "./dom.js";
import { hasString, loadStrings, t } from "./strings.js";

await loadStrings("forms"); // views of several areas have forms

let count = 0;

/**
 * A labelled control: `{element, control, value, setError}`. `value()` reads it;
 * `setError(message)` shows an error, and null clears it.
 * @param {string} label
 * @param {Element} control an input or a select
 * @param {{hint?: string, beside?: Node}} options `beside`: shown next to the control
 */
export function field(label, control, { hint = null, beside = null } = {}) {
  const { id, ...described } = describeControl(control, hint);
  const element = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    beside ? el("div", { class: "beside" }, control, beside) : control,
    described.nodes,
  );
  const value = () => (control.type === "file" ? [...control.files] : control.value);
  return { element, control, setError: described.setError, value };
}

/** A checkbox, with the properties of `field`. */
export function checkbox(label, checked, hint = null) {
  const control = el("input", { type: "checkbox", checked });
  const { nodes, setError } = describeControl(control, hint);
  const element = el(
    "div",
    { class: "tick" },
    el("label", { class: "check" }, control, label),
    nodes,
  );
  return { element, control, setError, value: () => control.checked };
}

/** A select. `choices` are `[value, name]`. */
export const select = (choices, chosen, properties = {}) =>
  el("select", properties, options(choices, chosen));

/** The options of a select. */
export const options = (choices, chosen = null) =>
  choices.map(([value, name]) => el("option", { value, selected: value === chosen }, name));

/**
 * A form. `send(values)` may return a success message. An error it throws is shown at the fields it
 * names, or below the button.
 * @param {{fields: object, submit: string, send: (values: object) => Promise<string?>,
 *   codes?: object, kind?: string, progressText?: string, beside?: Node}} options `fields`: results
 *   of `field` and `checkbox`, by the names the service uses; `submit`: label of the button; `codes`:
 *   the field for an error code; `progressText`: shown while sending; `beside`: next to the button
 * @param {...Node} content shown above the button instead of the plain fields
 */
export function form(
  { fields, submit, send, codes = {}, kind = "primary", progressText = null, beside = null },
  ...content
) {
  const entries = Object.entries(fields);
  for (const [name, { control }] of entries) control.name = name;
  const status = el("div", { class: "status", role: "status" });
  const failure = el("div", {});
  const button = el("button", { class: `button ${kind}`, type: "submit" }, submit);
  const onSubmit = async (event) => {
    event.preventDefault();
    fill(status);
    fill(failure);
    for (const [, each] of entries) each.setError(validationError(each.control));
    const invalid = entries.find(([, each]) => validationError(each.control));
    if (invalid) return invalid[1].control.focus();
    try {
      const values = Object.fromEntries(entries.map(([name, each]) => [name, each.value()]));
      if (progressText) fill(status, el("p", { class: "hint" }, progressText));
      const done = await whileBusy(button, () => send(values));
      fill(status, done ? el("p", { class: "notice good" }, done) : null);
    } catch (error) {
      fill(status);
      const matched = fieldErrors(error, codes, fields).filter(([name]) => name in fields);
      for (const [name, reason] of matched) fields[name].setError(reason);
      const named = new Set(matched.map(([name]) => name));
      if (matched.length)
        fields[Object.keys(fields).find((name) => named.has(name))].control.focus();
      else showError(failure, error);
    }
  };
  return el(
    "form",
    { class: "stack", novalidate: true, on: { submit: onSubmit } },
    content.length ? content : entries.map(([, each]) => each.element),
    el("div", { class: "row" }, button, beside),
    status,
    failure,
  );
}

/** Adds a hint and a place for an error to a control; both describe it to screen readers. */
function describeControl(control, hint) {
  const id = (control.id ||= `field-${++count}`);
  const error = el("span", { class: "problem", id: `${id}-error` });
  const help = hint ? el("span", { class: "hint small", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", help ? `${help.id} ${error.id}` : error.id);
  const setError = (reason) => {
    fill(error, reason);
    if (reason) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  control.addEventListener("input", () => setError(null));
  return { id, nodes: [help, error], setError };
}

/** The browser's validation message for a control, or null. */
function validationError({ validity, validationMessage }) {
  if (validity.valueMissing && !validity.badInput) return t("reason.missing");
  // The service checks e-mail addresses. Its message is in the language of the page.
  return validity.valid || validity.typeMismatch ? null : validationMessage;
}

/** `[field, message]` for each field that an error names. */
function fieldErrors(error, codes, fields) {
  if (!(error instanceof ApiError)) return [];
  const reasons = Object.entries(error.details?.fields ?? {});
  if (!reasons.length && error.code in codes) return [[codes[error.code], errorMessage(error)]];
  return reasons.map(([path, reason]) => {
    // Details follow a colon. They are not translated.
    const matched = [reason, reason.split(":")[0]].find((words) => hasString(`reason.${words}`));
    const words = matched ? t(`reason.${matched}`) : asSentence(reason);
    return [path in fields ? path : path.split(".")[0], words];
  });
}

const asSentence = (reason) =>
  `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`;
