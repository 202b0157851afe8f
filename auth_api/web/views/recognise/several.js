// Several pictures at once: each its own answer or error, in order.

import { ask, sentence } from "../../modules/api.js";
import { called } from "../../modules/characters.js";
import { el, fill, shown } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

// Pictures and bytes in one request: as the service takes them (/api/predict/batch/, and
// MAX_BATCH_BYTES, 64 MB by default), with room for the form.
const MOST_PICTURES = 32;
const MOST_BYTES = 60_000_000;

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
  for (const { start, end } of batches(files)) {
    if (signal.aborted) return;
    const part = rows.slice(start, end);
    try {
      const { results } = await askBatch(files.slice(start, end), model, signal);
      results.forEach((result, index) => part[index].show(result, model));
    } catch (problem) {
      if (signal.aborted) return;
      part.forEach((each) => each.fail(sentence(problem)));
    }
    bar.value = end;
  }
  bar.remove();
}

/** Where each request begins and ends among `files`. */
function batches(files) {
  const found = [];
  let bytes = 0;
  files.forEach((file, index) => {
    const last = found.at(-1);
    bytes += file.size;
    if (last && bytes <= MOST_BYTES && index - last.start < MOST_PICTURES) last.end = index + 1;
    else {
      found.push({ start: index, end: index + 1 });
      bytes = file.size;
    }
  });
  return found;
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
