// What the views of this area are made of: figures, and how they are written.

import { el } from "../../modules/dom.js";
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
