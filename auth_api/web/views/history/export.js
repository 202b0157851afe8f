// Downloads the whole history as a file.

import { actionButton } from "../../modules/actions.js";
import { download } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { t } from "../../modules/strings.js";

const FORMATS = { json: "JSON", csv: "CSV" };

/** A button for each format, with a status line. */
export function exportButtons(signal) {
  const status = el("div", { class: "hint small status", role: "status" });
  const save = async (format) => {
    const name = `ranjana-${new Date().toISOString().slice(0, 10)}.${format}`;
    fill(status, t("export.doing"));
    const options = { query: { format }, accept: "*/*", signal };
    await download("/api/history/export/", name, options);
    fill(status, t("export.done", { name }));
  };
  const buttons = Object.entries(FORMATS).map(([format, name]) =>
    actionButton(t("export.as", { name }), () => save(format), status),
  );
  return el("div", { class: "stack tight" }, el("div", { class: "row" }, buttons), status);
}
