// The PDF of sheets to print.

import { actionButton, showError } from "../../modules/actions.js";
import { ApiError, download } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { currentLanguage, t } from "../../modules/strings.js";

const ROUTE = "/api/worksheets/";
const FILE = "ranjana-worksheet.pdf";

/** A link to the sheets with `classes`. `options`: `{rows, help, paper}`. */
export function pdfLink(label, classes, options, errors) {
  const query = { characters: classes.join(), ...options, language: currentLanguage() };
  // Without the network the browser would keep an error page as the file.
  const click = (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    showError(errors, new ApiError(0, "unreachable", t("error.unreachable")));
  };
  const address = `${ROUTE}?${new URLSearchParams(query)}`;
  const properties = { class: "button primary", href: address, download: FILE, on: { click } };
  return el("a", properties, label);
}

/** A button for the sheets with what is due. They are the user's own, so they need the token. */
export function duePdfButton(label, options, errors) {
  const query = { due: true, ...options, language: currentLanguage() };
  const save = () => download(ROUTE, FILE, { query, accept: "application/pdf" });
  return actionButton(label, save, errors, "primary");
}
