// SVG charts. Each has its figures as a hidden table for screen readers.

import { el, svg } from "./dom.js";
import { t } from "./strings.js";

const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 52;
const BOTTOM = 28;
const TOP = 10;
const RIGHT = 12;
const TICKS = 4;
const COLOURS = 4;

const seriesColour = (index) => ({ "--series": `var(--series-${(index % COLOURS) + 1})` });

/**
 * A line chart.
 * @param {{label: string, series: {name: string, points: [number, number][]}[],
 *   x?: (value: number) => string, y?: (value: number) => string, low?: number, high?: number}}
 *   chart `x` and `y` format the values of the axes; y covers at least `low` to `high`
 */
export function lineChart({ label, series, x = String, y = String, low = 0, high = low }) {
  const points = series.flatMap((each) => each.points);
  if (!points.length) return el("p", { class: "hint" }, t("state.empty"));
  const scale = scales(points, low, high);
  const lines = series.map((each, index) =>
    svg(
      "g",
      { style: seriesColour(index) },
      svg("polyline", {
        class: "line",
        points: each.points.map(([px, py]) => `${scale.x(px)},${scale.y(py)}`).join(" "),
      }),
      each.points.length > 40
        ? null
        : each.points.map(([px, py]) =>
            svg("circle", { class: "dot", cx: scale.x(px), cy: scale.y(py), r: 3.5 }),
          ),
    ),
  );
  const distinctX = new Set(points.map(([px]) => px));
  const ticks = evenlySpaced(scale.from, scale.to, Math.min(TICKS, distinctX.size));
  const xs = [...distinctX].every(Number.isInteger) ? [...new Set(ticks.map(Math.round))] : ticks;
  const anchors = xs.length > 1 ? { 0: "start", [xs.length - 1]: "end" } : {};
  const names = xs.map((value, index) =>
    tick(scale.x(value), HEIGHT - 8, x(value), anchors[index] ?? "middle"),
  );
  const rows = [...distinctX]
    .sort((a, b) => a - b)
    .map((px) => [x(px), ...series.map((each) => formatValueAt(each, px, y))]);
  return figure(label, [axes(scale, y), lines, names], series, rows);
}

/**
 * A column chart.
 * @param {{label: string, bars: {name: string, value: number}[], y?: (value: number) => string}}
 *   chart
 */
export function barChart({ label, bars, y = String }) {
  if (!bars.length) return el("p", { class: "hint" }, t("state.empty"));
  const scale = scales(
    bars.map((bar, index) => [index, bar.value]),
    0,
    0,
  );
  const slot = (WIDTH - LEFT - RIGHT) / bars.length;
  const labelStep = Math.ceil(bars.length / 12);
  const columns = bars.map((bar, index) => {
    const left = LEFT + index * slot + slot * 0.15;
    const top = scale.y(bar.value);
    return [
      svg(
        "rect",
        { class: "column", x: left, y: top, width: slot * 0.7, height: scale.y(0) - top, rx: 2 },
        svg("title", {}, `${bar.name}: ${y(bar.value)}`),
      ),
      index % labelStep ? null : tick(left + slot * 0.35, HEIGHT - 8, bar.name, "middle"),
    ];
  });
  const rows = bars.map((bar) => [bar.name, y(bar.value)]);
  const shapes = svg("g", { style: seriesColour(0) }, columns);
  return figure(label, [axes(scale, y), shapes], [{ name: label }], rows);
}

/** A small line without axes. `values` run from old to new; `label` is for screen readers. */
export function sparkline(values, label) {
  const points = values.map((value, index) => [index, value]);
  const high = Math.max(...values, 1);
  const last = Math.max(values.length - 1, 1);
  const shapes = points.map(([px, py]) => `${(px / last) * 116 + 2},${30 - (py / high) * 26}`);
  return el(
    "span",
    { class: "chart sparkline" },
    svg(
      "svg",
      { viewBox: "0 0 120 32", role: "img", "aria-label": label, style: seriesColour(0) },
      svg("polyline", { class: "line", points: shapes.join(" ") }),
    ),
  );
}

function formatValueAt(series, at, format) {
  const found = series.points.find(([x]) => x === at);
  return found ? format(found[1]) : "";
}

function scales(points, low, high) {
  const xs = points.map(([px]) => px);
  const ys = points.map(([, py]) => py);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const bottom = Math.min(low, ...ys);
  const top = roundUpForTicks(Math.max(high, ...ys, bottom + 1e-9));
  const distinctX = (WIDTH - LEFT - RIGHT) / (to - from || 1);
  const up = (HEIGHT - TOP - BOTTOM) / (top - bottom);
  return {
    from,
    to,
    bottom,
    top,
    x: (value) => (to === from ? (LEFT + WIDTH - RIGHT) / 2 : LEFT + (value - from) * distinctX),
    y: (value) => HEIGHT - BOTTOM - (value - bottom) * up,
  };
}

/** The smallest number, not below `value`, that gives round tick labels. */
function roundUpForTicks(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

const evenlySpaced = (from, to, count) =>
  count < 2
    ? [from]
    : Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));

function axes(scale, y) {
  return evenlySpaced(scale.bottom, scale.top, TICKS + 1).map((value) => [
    svg("line", {
      class: "axis",
      x1: LEFT,
      x2: WIDTH - RIGHT,
      y1: scale.y(value),
      y2: scale.y(value),
    }),
    tick(LEFT - 6, scale.y(value) + 4, y(value), "end"),
  ]);
}

const tick = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);

function figure(label, shapes, series, rows) {
  return el(
    "figure",
    { class: "chart stack" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, shapes),
    series.length > 1
      ? el(
          "ul",
          { class: "legend", "aria-hidden": "true" },
          series.map((each, index) => el("li", { style: seriesColour(index) }, each.name)),
        )
      : null,
    // A table ignores the width of its own style, so the element that hides it is around it.
    el(
      "div",
      { class: "visually-hidden" },
      el(
        "table",
        {},
        el("caption", {}, label),
        el("thead", {}, headings(series)),
        el(
          "tbody",
          {},
          rows.map((row) => el("tr", {}, row.map(cell))),
        ),
      ),
    ),
  );
}

const headings = (series) =>
  el(
    "tr",
    {},
    el("td", {}),
    series.map((each) => el("th", { scope: "col" }, each.name)),
  );

const cell = (text, index) => (index ? el("td", {}, text) : el("th", { scope: "row" }, text));
