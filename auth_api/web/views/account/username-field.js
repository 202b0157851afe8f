// A username field.

import { el } from "../../modules/dom.js";
import { field } from "../../modules/forms.js";

/**
 * A field for a username or an e-mail address, without autocorrection and capitalisation.
 * @param {string} label
 * @param {"username"|"off"} autocomplete
 * @param {{value?: string, hint?: string, minlength?: number}} options
 */
export function usernameField(
  label,
  autocomplete,
  { value = "", hint = null, minlength = null } = {},
) {
  const control = el("input", {
    value,
    autocomplete,
    autocapitalize: "none",
    spellcheck: "false",
    minlength,
    maxlength: 254,
    required: true,
  });
  return field(label, control, { hint });
}
