// Forms of this area: what is under way cannot be sent twice, and nothing that was typed is lost.

import { el, fill } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { t } from "../../modules/strings.js";
import { complain } from "./parts.js";

let fields = 0;

/** A labelled control, with a hint that belongs to it. */
export function field(label, control, hint = null) {
  control.id = `field-${++fields}`;
  const id = `${control.id}-hint`;
  if (hint) control.setAttribute("aria-describedby", id);
  return el(
    "div",
    { class: "field" },
    el("label", { for: control.id }, label),
    control,
    hint ? el("span", { class: "hint small", id }, hint) : null,
  );
}

/** A box to tick. */
export const tick = (label, properties) =>
  el("label", { class: "check" }, el("input", { type: "checkbox", ...properties }), label);

/** A choice out of `[value, name]`. */
export const select = (name, options, chosen, properties = {}) =>
  el(
    "select",
    { name, ...properties },
    options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
  );

/**
 * A form that hands its element to `send`, and shows what that throws; the field at fault has the
 * focus then. `submit` is what its button says.
 */
export function form({ submit, send, beside = null }, ...content) {
  const said = el("div", {});
  const button = el("button", { class: "button primary", type: "submit" }, submit);
  const element = el(
    "form",
    { class: "stack" },
    content,
    said,
    el("div", { class: "row" }, button, beside),
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    fill(said);
    for (const wrong of element.querySelectorAll("[aria-invalid]")) {
      wrong.removeAttribute("aria-invalid");
    }
    try {
      await send(element);
    } catch (problem) {
      complain(said, problem);
      const [first] = Object.keys(problem.details?.fields ?? {});
      const wrong = first && element.elements.namedItem(first.split(".")[0]);
      wrong?.setAttribute?.("aria-invalid", "true");
      wrong?.focus?.();
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

/** A button for `work`, which it waits for; what that throws is shown in `said`. */
export function action(label, work, said, kind = "") {
  const button = tool(label, async () => {
    button.disabled = true;
    try {
      await work();
    } catch (problem) {
      complain(said, problem);
    } finally {
      button.disabled = false;
    }
  });
  if (kind) button.classList.add(kind);
  return button;
}

/** The same, which first asks `question`, in its own place. */
export function askedAction(label, question, work, said, kind = "") {
  const place = el("div", { class: "asking" });
  const rest = () => {
    const button = tool(label, ask);
    if (kind) button.classList.add(kind);
    fill(place, button);
    return button;
  };
  const ask = () => {
    fill(said);
    const no = tool(t("action.cancel"), () => rest().focus());
    const yes = action(label, work, said, kind || "primary");
    const ways = el("div", { class: "row" }, yes, no);
    const group = { class: "notice stack", role: "group", "aria-label": question };
    fill(place, el("div", group, el("p", {}, question), ways));
    no.focus(); // what cannot be undone is not done by pressing Enter twice
  };
  rest();
  return place;
}
