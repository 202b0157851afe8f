// What views are made of: cards, tables, words in a frame.

import { el } from "./dom.js";

/**
 * A table that scrolls on its own. `columns` are headings, those of numbers `{number: heading}`;
 * `rows` are lists of cells, the first of which names its row, or rows that are elements.
 */
export function table(label, columns, rows) {
  const kinds = columns.map((column) => (typeof column === "object" ? "number" : null));
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          columns.map((column, index) =>
            el("th", { scope: "col", class: kinds[index] }, column?.number ?? column),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((row) => (row instanceof Node ? row : tableRow(row, kinds))),
      ),
    ),
  );
}

function tableRow(cells, kinds) {
  return el(
    "tr",
    {},
    cells.map((cell, index) =>
      index
        ? el("td", { class: kinds[index] }, cell)
        : el("th", { scope: "row", class: kinds[index] }, cell),
    ),
  );
}

/** A card with a heading. */
export function card(title, ...content) {
  return el("section", { class: "card stack" }, el("h2", {}, title), content);
}

/** A word in a frame: "good", "bad" or neither. */
export const badge = (text, mood = "") => el("span", { class: `badge ${mood}` }, text);
