// A password field with a button to show the password.

import { button } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { field } from "../../modules/forms.js";
import { t } from "../../modules/strings.js";

/**
 * The field.
 * @param {string} label
 * @param {"current-password"|"new-password"} autocomplete
 * @param {string?} hint
 */
export function passwordField(label, autocomplete, hint = null) {
  const control = el("input", { type: "password", autocomplete, required: true, maxlength: 1024 });
  const toggle = button(t("password.show"), () => {
    const hidden = control.type === "password";
    control.type = hidden ? "text" : "password";
    const word = t(hidden ? "password.hide" : "password.show");
    fill(toggle, word);
    toggle.setAttribute("aria-label", `${word}: ${label}`);
  });
  toggle.setAttribute("aria-label", `${t("password.show")}: ${label}`);
  return field(label, control, { hint, beside: toggle });
}
