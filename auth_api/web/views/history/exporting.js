// All of one's history as a file.

import { action } from "../../modules/actions.js";
import { download } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { t } from "../../modules/strings.js";

const FORMATS = { json: "JSON", csv: "CSV" };

/** A button for each format, and what became of it. */
export function exportButtons(signal) {
  const said = el("div", { class: "hint small said", role: "status" });
  const save = async (format) => {
    const name = `ranjana-${new Date().toISOString().slice(0, 10)}.${format}`;
    fill(said, t("export.doing"));
    const options = { query: { format }, accept: "*/*", signal };
    await download("/api/history/export/", name, options);
    fill(said, t("export.done", { name }));
  };
  const buttons = Object.entries(FORMATS).map(([format, name]) =>
    action(t("export.as", { name }), () => save(format), said),
  );
  return el("div", { class: "stack tight" }, el("div", { class: "row" }, buttons), said);
}
