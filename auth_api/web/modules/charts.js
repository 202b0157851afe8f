// Charts as SVG, each with its figures as a table for those who do not see them.

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
 * Lines over a common x axis.
 * @param {{label: string, series: {name: string, points: [number, number][]}[],
 *   x?: (value: number) => string, y?: (value: number) => string, low?: number, high?: number}}
 *   chart `x` and `y` write values of the axes; `low` and `high` are the least range of y
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
  const across = new Set(points.map(([px]) => px));
  const even = spread(scale.from, scale.to, Math.min(TICKS, across.size));
  const xs = [...across].every(Number.isInteger) ? [...new Set(even.map(Math.round))] : even;
  const anchors = xs.length > 1 ? { 0: "start", [xs.length - 1]: "end" } : {};
  const names = xs.map((value, index) =>
    tick(scale.x(value), HEIGHT - 8, x(value), anchors[index] ?? "middle"),
  );
  const rows = [...across]
    .sort((a, b) => a - b)
    .map((px) => [x(px), ...series.map((each) => valueAt(each, px, y))]);
  return figure(label, [axes(scale, y), lines, names], series, rows);
}

/**
 * A column for each of `bars`, `{name, value}`.
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
  const room = (WIDTH - LEFT - RIGHT) / bars.length;
  const every = Math.ceil(bars.length / 12);
  const columns = bars.map((bar, index) => {
    const left = LEFT + index * room + room * 0.15;
    const top = scale.y(bar.value);
    return [
      svg(
        "rect",
        { class: "column", x: left, y: top, width: room * 0.7, height: scale.y(0) - top, rx: 2 },
        svg("title", {}, `${bar.name}: ${y(bar.value)}`),
      ),
      index % every ? null : tick(left + room * 0.35, HEIGHT - 8, bar.name, "middle"),
    ];
  });
  const rows = bars.map((bar) => [bar.name, y(bar.value)]);
  const drawn = svg("g", { style: seriesColour(0) }, columns);
  return figure(label, [axes(scale, y), drawn], [{ name: label }], rows);
}

/** A small line without axes; `values` from old to new. `label` says what it shows. */
export function sparkline(values, label) {
  const points = values.map((value, index) => [index, value]);
  const high = Math.max(...values, 1);
  const last = Math.max(values.length - 1, 1);
  const drawn = points.map(([px, py]) => `${(px / last) * 116 + 2},${30 - (py / high) * 26}`);
  return el(
    "span",
    { class: "chart sparkline" },
    svg(
      "svg",
      { viewBox: "0 0 120 32", role: "img", "aria-label": label, style: seriesColour(0) },
      svg("polyline", { class: "line", points: drawn.join(" ") }),
    ),
  );
}

function valueAt(series, at, written) {
  const found = series.points.find(([x]) => x === at);
  return found ? written(found[1]) : "";
}

function scales(points, low, high) {
  const xs = points.map(([px]) => px);
  const ys = points.map(([, py]) => py);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const bottom = Math.min(low, ...ys);
  const top = nice(Math.max(high, ...ys, bottom + 1e-9));
  const across = (WIDTH - LEFT - RIGHT) / (to - from || 1);
  const up = (HEIGHT - TOP - BOTTOM) / (top - bottom);
  return {
    from,
    to,
    bottom,
    top,
    x: (value) => (to === from ? (LEFT + WIDTH - RIGHT) / 2 : LEFT + (value - from) * across),
    y: (value) => HEIGHT - BOTTOM - (value - bottom) * up,
  };
}

/** The next number from `value` on that is easily divided by the ticks. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

const spread = (from, to, count) =>
  count < 2
    ? [from]
    : Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));

function axes(scale, y) {
  return spread(scale.bottom, scale.top, TICKS + 1).map((value) => [
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

function figure(label, drawn, series, rows) {
  return el(
    "figure",
    { class: "chart stack" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, drawn),
    series.length > 1
      ? el(
          "ul",
          { class: "legend", "aria-hidden": "true" },
          series.map((each, index) => el("li", { style: seriesColour(index) }, each.name)),
        )
      : null,
    // A table is as wide as its content whatever it is told, so what hides it stands around it.
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
