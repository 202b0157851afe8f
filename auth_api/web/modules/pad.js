// A square to draw in with finger, pen, mouse or keyboard. Strokes are stored as points, so that
// they can be undone, drawn at any size and sent.

import { el } from "./dom.js";
import { drawSegment, drawStroke } from "./pens.js";
import { t } from "./strings.js";
import { onThemeChange, themeColour } from "./theme-colours.js";

// Step of an arrow key as a fraction of the side: without and with Shift.
const KEY_STEP = 0.03;
const FINE_KEY_STEP = 0.008;

const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A drawing area. Events: `change` after stroke, undo and clear; `begin` when the pen touches. */
export class Pad extends EventTarget {
  /**
   * Continues `drawing`, the object in which the pad keeps its strokes and their pen. A stroke is
   * an array of points, `[x, y, pressure]`, each 0 to 1.
   */
  constructor(drawing, label) {
    super();
    this.drawing = drawing;
    drawing.strokes ??= [];
    drawing.undone ??= [];
    drawing.pen ??= "nib";
    this.under = el("canvas", { class: "under", "aria-hidden": "true" });
    this.ink = el("canvas", {
      class: "ink",
      tabindex: "0",
      role: "application",
      "aria-roledescription": t("pad.kind"),
      "aria-label": label,
      "aria-description": t("pad.keys"),
    });
    this.cursor = el("span", { class: "cursor", "aria-hidden": "true", hidden: true });
    this.element = el("div", { class: "pad" }, this.under, this.ink, this.cursor);
    this.painters = [];
    /** The custom property with the colour of the stroke with an index, or null. */
    this.colourOf = () => null;
    this.current = null;
    this.pointer = null;
    this.at = [0.25, 0.3];
    this.#listen();
    this.resizeObserver = new ResizeObserver(() => this.paint());
    this.resizeObserver.observe(this.element);
    this.themeListener = new AbortController();
    onThemeChange(() => this.paint(), this.themeListener.signal);
  }

  get isEmpty() {
    return this.drawing.strokes.length === 0;
  }

  /** Chooses the pen of all strokes. */
  set pen(pen) {
    if (pen === this.drawing.pen) return;
    this.drawing.pen = pen;
    if (!this.isEmpty) this.#changed();
  }

  /** Ends the current stroke, if there is one. */
  endStroke() {
    if (!this.current) return;
    this.drawing.strokes.push(this.current);
    this.drawing.undone = [];
    this.current = null;
    this.#changed();
  }

  /** Removes the last stroke. After `clear`, restores all strokes. */
  undo() {
    const { strokes, undone } = this.drawing;
    if (strokes.length) strokes.pop();
    else if (undone.length) strokes.push(...undone.splice(0));
    this.#changed();
  }

  /** Removes the last stroke, without an event, and returns it. */
  withdraw() {
    return this.drawing.strokes.pop();
  }

  get canUndo() {
    return this.drawing.strokes.length > 0 || this.drawing.undone.length > 0;
  }

  /** Removes all strokes. */
  clear() {
    if (this.isEmpty) return;
    this.drawing.undone = this.drawing.strokes.splice(0);
    this.#changed();
  }

  /** Adds `painter(context, side)`, called to draw under the ink whenever the pad is painted. */
  addPainter(painter) {
    this.painters.push(painter);
    this.paint();
  }

  /** Paints everything again. */
  paint() {
    const side = Math.round(this.element.clientWidth * devicePixelRatio);
    if (!side) return;
    for (const canvas of [this.under, this.ink]) {
      if (canvas.width !== side) canvas.width = canvas.height = side;
    }
    this.paintUnder();
    const context = this.#context();
    context.clearRect(0, 0, side, side);
    const { strokes, pen } = this.drawing;
    strokes.forEach((points, index) => {
      context.fillStyle = context.strokeStyle = this.#colour(index);
      drawStroke(context, pen, points, side);
    });
    context.fillStyle = context.strokeStyle = this.#colour();
    if (this.current) drawStroke(context, pen, this.current, side);
  }

  /** Paints the layer under the ink again. */
  paintUnder() {
    const side = this.under.width;
    const context = this.under.getContext("2d");
    context.clearRect(0, 0, side, side);
    for (const painter of this.painters) painter(context, side);
  }

  /** Stops watching the size and the theme. */
  close() {
    this.resizeObserver.disconnect();
    this.themeListener.abort();
  }

  #context() {
    const context = this.ink.getContext("2d");
    context.fillStyle = context.strokeStyle = this.#colour();
    return context;
  }

  /** The colour of the ink, or of the stroke with an index. */
  #colour(index = null) {
    const name = index === null ? null : this.colourOf(index);
    return name ? themeColour(name) : getComputedStyle(this.ink).color;
  }

  #listen() {
    const on = (event, listener) => this.ink.addEventListener(event, listener);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event));
    on("keydown", (event) => this.#key(event));
    on("blur", () => {
      this.endStroke();
      this.cursor.hidden = true;
    });
    on("contextmenu", (event) => event.preventDefault());
  }

  #down(event) {
    if (event.button !== 0 || this.pointer !== null) return;
    this.pointer = event.pointerId;
    this.ink.setPointerCapture(event.pointerId);
    this.cursor.hidden = true;
    this.#begin(this.#point(event));
  }

  #move(event) {
    if (event.pointerId !== this.pointer) return;
    const moments = event.getCoalescedEvents?.() ?? [];
    for (const moment of moments.length ? moments : [event]) this.#extend(this.#point(moment));
  }

  #up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.endStroke();
  }

  /** `[x, y, pressure]`, each 0 to 1. Mouse and finger always have full pressure. */
  #point(event) {
    const box = this.ink.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return [
      within((event.clientX - box.left) / box.width),
      within((event.clientY - box.top) / box.height),
      event.pointerType === "pen" ? within(event.pressure * 1.5) : 1,
    ];
  }

  #begin(point) {
    this.current = [point];
    drawStroke(this.#context(), this.drawing.pen, this.current, this.ink.width);
    this.dispatchEvent(new Event("begin"));
  }

  #extend(point) {
    const last = this.current.at(-1);
    if (point[0] === last[0] && point[1] === last[1]) return;
    this.current.push(point);
    drawSegment(this.#context(), this.drawing.pen, last, point, this.ink.width);
  }

  #key(event) {
    if (event.key in ARROWS && !event.ctrlKey && !event.metaKey) {
      const step = event.shiftKey ? FINE_KEY_STEP : KEY_STEP;
      this.at = ARROWS[event.key].map((way, axis) =>
        Math.min(1, Math.max(0, this.at[axis] + way * step)),
      );
      if (this.current && this.pointer === null) this.#extend([...this.at, 1]);
    } else if (event.key === " ") {
      if (this.current) this.endStroke();
      else this.#begin([...this.at, 1]);
    } else if (event.key === "Escape") this.endStroke();
    else if (event.key === "Delete") this.clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
    this.#showCursor();
  }

  #showCursor() {
    this.cursor.hidden = false;
    this.cursor.classList.toggle("down", this.current !== null);
    this.cursor.style.left = `${this.at[0] * 100}%`;
    this.cursor.style.top = `${this.at[1] * 100}%`;
  }

  #changed() {
    this.paint();
    this.dispatchEvent(new Event("change"));
  }
}
