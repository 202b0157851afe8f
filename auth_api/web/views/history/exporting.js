// All of one's history as a file.

import { download, sentence } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { whileBusy } from "../../modules/forms.js";
import { t } from "../../modules/strings.js";

const FORMATS = { json: "JSON", csv: "CSV" };

/** A button for each format, and what became of it. */
export function exportButtons(signal) {
  const said = el("p", { class: "hint small said", role: "status" });
  const save = async (format, button) => {
    const name = `ranjana-${new Date().toISOString().slice(0, 10)}.${format}`;
    fill(said, t("export.doing"));
    try {
      const options = { query: { format }, accept: "*/*", signal };
      await whileBusy(button, () => download("/api/history/export/", name, options));
      fill(said, t("export.done", { name }));
    } catch (problem) {
      if (!signal.aborted) fill(said, el("span", { class: "problem" }, sentence(problem)));
    }
  };
  const buttons = Object.entries(FORMATS).map(([format, name]) => {
    const button = el("button", { class: "button", type: "button" }, t("export.as", { name }));
    button.addEventListener("click", () => save(format, button));
    return button;
  });
  return el("div", { class: "stack tight" }, el("div", { class: "row" }, buttons), said);
}
