// Lists of facts, and the formats of their values.

import { el } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

/** A list of `[name, value, remark?]`. Facts without a value are left out. */
export function facts(items) {
  return el(
    "dl",
    { class: "facts" },
    items
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

/** Milliseconds; "–" for null. */
export const milliseconds = (value) =>
  value === null ? "–" : t("unit.ms", { count: Math.round(value) });

/** A fraction, 0 to 1, as percent; "–" for null. */
export const share = (value, digits = 1) => (value === null ? "–" : percent(value, digits));

/** A score, 0 to 100; "–" for null. */
export const score = (value) => (value === null ? "–" : number(value));

/** The 95 % interval from `low` to `high` in words; null if there is none. */
export const interval = (low, high, format) =>
  low === null || low === undefined
    ? null
    : t("unit.interval", { low: format(low), high: format(high) });
