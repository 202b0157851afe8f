// A password to type, which can be looked at.

import { el, fill } from "../../modules/dom.js";
import { field } from "../../modules/forms.js";
import { t } from "../../modules/strings.js";

/**
 * A field for a password.
 * @param {string} label
 * @param {"current-password"|"new-password"} autocomplete
 * @param {string?} hint
 */
export function passwordField(label, autocomplete, hint = null) {
  const eye = el("button", { class: "button", type: "button" }, t("password.show"));
  eye.setAttribute("aria-label", `${t("password.show")}: ${label}`);
  const control = el("input", { type: "password", autocomplete, required: true, maxlength: 1024 });
  eye.addEventListener("click", () => {
    const hidden = control.type === "password";
    control.type = hidden ? "text" : "password";
    const word = t(hidden ? "password.hide" : "password.show");
    fill(eye, word);
    eye.setAttribute("aria-label", `${word}: ${label}`);
  });
  return field(label, control, { hint, beside: eye });
}
