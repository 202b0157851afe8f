// Several pictures at once, each with its own prediction or error.

import { ApiError, errorMessage, request } from "../../modules/api.js";
import { characterName } from "../../modules/characters.js";
import { el, fill } from "../../modules/dom.js";
import { isPicture } from "../../modules/pictures.js";
import { number, percent, t } from "../../modules/strings.js";
import { pictureRow } from "./picture-row.js";

// Limits of one request: those of /api/predict/batch/ and MAX_BATCH_BYTES (64 MB by default), with
// room for the form.
const MAX_PICTURES = 32;
const MAX_BYTES = 60_000_000;

/** Recognises `files` and shows each result in `outcome` as it comes. Says which are no pictures. */
export async function recogniseSeveral(all, model, outcome, signal) {
  const rows = all.map((file) => pictureRow(file));
  const files = all.filter(isPicture);
  const readRows = rows.filter((_, index) => isPicture(all[index]));
  for (const each of readRows) each.say(t("state.looking"));
  const bar = el("progress", { max: files.length, value: 0, "aria-label": t("several.progress") });
  fill(
    outcome,
    el(
      "div",
      { class: "card stack" },
      el("h2", {}, t("several.title", { count: all.length })),
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
    const batchRows = readRows.slice(start, end);
    try {
      const { results } = await requestBatch(files.slice(start, end), model, signal);
      results.forEach((result, index) => show(batchRows[index], result, model));
    } catch (error) {
      if (signal.aborted) return;
      batchRows.forEach((each) => each.fail(errorMessage(error)));
    }
    bar.value = end;
  }
  bar.remove();
}

/** Splits `files` into requests: `{start, end}` of each. */
function batches(files) {
  const ranges = [];
  let bytes = 0;
  files.forEach((file, index) => {
    const last = ranges.at(-1);
    bytes += file.size;
    if (last && bytes <= MAX_BYTES && index - last.start < MAX_PICTURES) last.end = index + 1;
    else {
      ranges.push({ start: index, end: index + 1 });
      bytes = file.size;
    }
  });
  return ranges;
}

function requestBatch(files, model, signal) {
  const form = new FormData();
  for (const file of files) form.append("images", file, file.name);
  const options = { query: { model, characters: "all" }, form, repeatable: true, signal };
  return request("POST", "/api/predict/batch/", options);
}

/** Shows one result of `/api/predict/batch/`. */
function show(row, result, model) {
  if (!result.success) return row.fail(errorMessage(new ApiError(0, result.code, result.error)));
  const name = model === "ranjana" ? characterName(result) : number(Number(result.character));
  return row.say(el("strong", {}, name), ` ${percent(result.confidence / 100, 1)}`);
}
