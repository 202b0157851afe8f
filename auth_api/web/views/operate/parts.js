// What the views of this area are made of: figures, tables, and what is said about them.

import { sentence } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

/** Figures `[name, value, remark?]` as a list; those without a value are left out. */
export function facts(figures) {
  return el(
    "dl",
    { class: "facts" },
    figures
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value, remark]) =>
        el(
          "div",
          {},
          el("dt", {}, name),
          el("dd", {}, value, remark ? el("span", { class: "remark" }, remark) : null),
        ),
      ),
  );
}

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

/** Shows what was thrown in `place`. */
export const complain = (place, problem) =>
  fill(place, el("p", { class: "notice error", role: "alert" }, sentence(problem)));

/** Milliseconds, "–" for none. */
export const milliseconds = (value) =>
  value === null ? "–" : t("unit.ms", { count: Math.round(value) });

/** A share of 0-1 as percent, "–" for none. */
export const share = (value, digits = 1) => (value === null ? "–" : percent(value, digits));

/** A score of 0-100, "–" for none. */
export const score = (value) => (value === null ? "–" : number(value));

/** The 95 % interval from `low` to `high`, written by `written`; null for none. */
export const interval = (low, high, written) =>
  low === null || low === undefined
    ? null
    : t("unit.interval", { low: written(low), high: written(high) });
