// Building blocks of views: buttons, choices, cards, tables.

import { el } from "./dom.js";

/** A button. `kind` is a further CSS class: "primary", "danger" or "quiet". */
export const button = (label, onClick, kind = "") =>
  el("button", { class: `button ${kind}`, type: "button", on: { click: onClick } }, label);

/** A link that looks like a button. `kind` as for `button`. */
export const linkButton = (label, url, kind = "") =>
  el("a", { class: `button ${kind}`, href: url }, label);

let groupCount = 0;

/** Radio buttons that look like one control. `options` are `[value, label]`. */
export function radioGroup(legend, options, chosen, onChoose) {
  const name = `choice-${++groupCount}`;
  return el(
    "fieldset",
    { class: "choices" },
    el("legend", { class: "visually-hidden" }, legend),
    options.map(([value, label]) => {
      const change = () => onChoose(value);
      return el(
        "label",
        {},
        el("input", { type: "radio", name, value, checked: value === chosen, on: { change } }),
        el("span", {}, label),
      );
    }),
  );
}

/**
 * A table that scrolls on its own. `columns` are headings; a column of numbers is
 * `{number: heading}`. `rows` are `<tr>` elements, or lists of cells with the row's heading first.
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

/** A framed word. `mood` is "good", "bad" or "". */
export const badge = (text, mood = "") => el("span", { class: `badge ${mood}` }, text);
