// Several pictures at once: each its own answer or error, in order.

import { ask, sentence } from "../../modules/api.js";
import { called } from "../../modules/characters.js";
import { el, fill, shown } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

// Pictures in one request, as many as the service takes (API: /api/predict/batch/).
const BATCH = 32;

/** Has `files` recognised and shows them in `outcome`, as the answers come. */
export async function recogniseSeveral(files, model, outcome, signal) {
  const rows = files.map((file) => row(file));
  const bar = el("progress", { max: files.length, value: 0, "aria-label": t("several.progress") });
  fill(
    outcome,
    el(
      "div",
      { class: "card stack" },
      el("h2", {}, t("several.title", { count: files.length })),
      bar,
      el(
        "ul",
        { class: "several" },
        rows.map((each) => each.element),
      ),
    ),
  );
  for (let start = 0; start < files.length && !signal.aborted; start += BATCH) {
    const part = rows.slice(start, start + BATCH);
    try {
      const { results } = await askBatch(files.slice(start, start + BATCH), model, signal);
      results.forEach((result, index) => part[index].show(result, model));
    } catch (problem) {
      if (signal.aborted) return;
      part.forEach((each) => each.fail(sentence(problem)));
    }
    bar.value = start + part.length;
  }
  bar.remove();
}

function askBatch(files, model, signal) {
  const form = new FormData();
  for (const file of files) form.append("images", file, file.name);
  const options = { query: { model }, form, repeatable: true, signal };
  return ask("POST", "/api/predict/batch/", options);
}

function row(file) {
  const said = el("span", { class: "said" }, t("state.looking"));
  const element = el("li", {}, shown(file, ""), el("span", { class: "file" }, file.name), said);
  const fail = (message) => {
    fill(said, message);
    element.classList.add("error");
  };
  const show = (result, model) => {
    if (!result.success) return fail(result.error);
    const name = model === "ranjana" ? called(result) : number(Number(result.character));
    return fill(said, el("strong", {}, name), ` ${percent(result.confidence / 100, 1)}`);
  };
  return { element, show, fail };
}
