// Regions with missing or extra ink: marks over a picture, and a table. The marks differ in pattern
// and sign as well as in colour.

import { table } from "../../modules/components.js";
import { el, svg } from "../../modules/dom.js";
import { percent, t } from "../../modules/strings.js";

// Regions with a smaller share of missing or extra ink are not marked, to avoid clutter.
const MIN_MARKED_SHARE = 0.05;
const CELL = 100;
const SIGNS = { missing: "−", extra: "+" };

/** The marks, as an SVG that covers a picture of the reference. */
export function regionMarks(regions) {
  const side = 3 * CELL;
  return svg(
    "svg",
    { class: "marks", viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" },
    svg("defs", {}, pattern("missing"), pattern("extra")),
    [1, 2].map((line) => [
      svg("line", { class: "grid", x1: line * CELL, x2: line * CELL, y1: 0, y2: side }),
      svg("line", { class: "grid", y1: line * CELL, y2: line * CELL, x1: 0, x2: side }),
    ]),
    regions.map((region) => ["missing", "extra"].map((kind) => mark(region, kind))),
  );
}

/** The legend of the marks. */
export function regionLegend(regions) {
  const kinds = ["missing", "extra"].filter((kind) =>
    regions.some((region) => region[kind] >= MIN_MARKED_SHARE),
  );
  if (!kinds.length) return el("p", { class: "hint small" }, t("practise.regions.none"));
  return el(
    "ul",
    { class: "legend small" },
    kinds.map((kind) => el("li", {}, swatch(kind), ` ${t(`practise.regions.${kind}.means`)}`)),
  );
}

/** The regions as a table. */
export function regionTable(regions) {
  const label = t("practise.regions.table");
  const figures = ["missing", "extra", "score"];
  const columns = figures.map((name) => ({ number: t(`practise.regions.${name}`) }));
  const rows = regions.map(({ row, column, missing, extra, score }) => [
    t(`practise.place.${row}.${column}`),
    percent(missing),
    percent(extra),
    percent(score / 100),
  ]);
  const head = [t("practise.regions.place"), ...columns];
  return el("details", {}, el("summary", {}, label), table(label, head, rows));
}

function mark(region, kind) {
  const value = region[kind];
  if (value < MIN_MARKED_SHARE) return null;
  const [x, y] = [region.column * CELL, region.row * CELL];
  const first = kind === "missing";
  return svg(
    "g",
    { class: kind },
    svg("rect", {
      x,
      y,
      width: CELL,
      height: CELL,
      fill: `url(#marks-${kind})`,
      "fill-opacity": 0.3 + 0.7 * value,
    }),
    svg(
      "text",
      {
        x: x + (first ? 6 : CELL - 6),
        y: y + (first ? 17 : CELL - 8),
        "text-anchor": first ? "start" : "end",
      },
      `${SIGNS[kind]}${percent(value)}`,
    ),
  );
}

function pattern(kind) {
  const size = { id: `marks-${kind}`, width: 9, height: 9, patternUnits: "userSpaceOnUse" };
  if (kind === "missing") {
    const ends = { x1: 0, y1: 9, x2: 9, y2: 0 };
    return svg(
      "pattern",
      size,
      ["halo", kind].map((each) => svg("line", { class: each, ...ends })),
    );
  }
  const middle = { cx: 4.5, cy: 4.5, r: 1.8 };
  return svg(
    "pattern",
    size,
    ["halo", kind].map((each) => svg("circle", { class: each, ...middle })),
  );
}

function swatch(kind) {
  return svg(
    "svg",
    { class: `swatch ${kind}`, viewBox: "0 0 18 18", "aria-hidden": "true" },
    svg("rect", { width: 18, height: 18, fill: `url(#marks-${kind})` }),
  );
}
