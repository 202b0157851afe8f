// A square to draw in with finger, pen, mouse or keyboard. Strokes are stored as points, so that
// they can be undone, drawn at any size and sent.

import { el } from "./dom.js";
import { drawSegment, drawStroke } from "./pens.js";
import { followPointers } from "./pointers.js";
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

/** A drawing area. Events: `change` after stroke, undo, redo and clear; `begin` when the pen touches. */
export class Pad extends EventTarget {
  /**
   * Continues `drawing`, the object in which the pad keeps its strokes, their pen and what can be
   * undone. A stroke is an array of points, `[x, y, pressure]`, each 0 to 1.
   */
  constructor(drawing, label) {
    super();
    this.drawing = drawing;
    drawing.strokes ??= [];
    drawing.past ??= []; // the strokes before each change, and after each change that was undone
    drawing.future ??= [];
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
    this.stale = new Set(); // the canvases that the next frame paints
    /** The custom property with the colour of the stroke with an index, or null. */
    this.colourOf = () => null;
    this.current = null;
    this.written = null; // the strokes after the last one that was drawn
    this.box = null; // of the pad when the current stroke began
    this.at = [0.25, 0.3];
    this.pointers = this.#listen();
    this.resizeObserver = new ResizeObserver(() => this.#resized());
    this.resizeObserver.observe(this.element);
    this.themeListener = new AbortController();
    onThemeChange(() => this.paint(), this.themeListener.signal);
  }

  get isEmpty() {
    return this.drawing.strokes.length === 0;
  }

  /** Chooses the pen of all strokes: `{pen, width, angle}` of modules/pens.js. */
  set pen({ pen, width = null, angle = null }) {
    const { drawing } = this;
    const before = [drawing.pen, drawing.width ?? null, drawing.angle ?? null];
    Object.assign(drawing, { pen, width, angle });
    const same = [pen, width, angle].every((value, index) => value === before[index]);
    if (!same && !this.isEmpty) this.#changed();
  }

  /** Ends the current stroke, if there is one. */
  endStroke() {
    this.pointers.letGo();
    this.#keepCurrent();
  }

  /** Undoes the last stroke, or `clear`. */
  undo() {
    this.endStroke();
    this.#travel("past", "future");
  }

  /** Undoes `undo`. */
  redo() {
    this.endStroke();
    this.#travel("future", "past");
  }

  /** Removes the stroke that was just drawn as if it had never been, and returns it. */
  withdraw() {
    const stroke = this.drawing.strokes.at(-1);
    this.drawing.strokes = this.drawing.past.pop();
    this.paint();
    return stroke;
  }

  get canUndo() {
    return this.drawing.past.length > 0;
  }

  get canRedo() {
    return this.drawing.future.length > 0;
  }

  /** Removes all strokes. */
  clear() {
    this.endStroke();
    if (!this.isEmpty) this.#replace([]);
  }

  /** Shows other strokes, which can be undone. */
  load(strokes) {
    this.endStroke();
    this.#replace(strokes);
  }

  /** Adds `painter(context, side)`, called to draw under the ink whenever the pad is painted. */
  addPainter(painter) {
    this.painters.push(painter);
    this.paint();
  }

  /** Paints everything again, with the next frame: what a stroke means is said before it is painted. */
  paint() {
    this.#paintLater(this.under, this.ink);
  }

  /** Paints the layer under the ink again, with the next frame. */
  paintUnder() {
    this.#paintLater(this.under);
  }

  /** Keeps the current stroke, and stops watching the pointers, the size and the theme. */
  close() {
    this.endStroke();
    this.pointers.close();
    cancelAnimationFrame(this.frame);
    this.resizeObserver.disconnect();
    this.themeListener.abort();
  }

  #paintLater(...canvases) {
    if (!this.stale.size) this.frame = requestAnimationFrame(() => this.#paintStale());
    for (const canvas of canvases) this.stale.add(canvas);
  }

  #paintStale() {
    const side = this.#side();
    const { stale } = this;
    this.stale = new Set();
    if (!side) return;
    for (const canvas of [this.under, this.ink]) {
      if (canvas.width !== side) {
        canvas.width = canvas.height = side;
        stale.add(canvas);
      }
    }
    if (stale.has(this.under)) this.#paintUnder(side);
    if (stale.has(this.ink)) this.#paintInk(side);
  }

  #paintUnder(side) {
    const context = this.under.getContext("2d");
    context.clearRect(0, 0, side, side);
    for (const painter of this.painters) painter(context, side);
  }

  #paintInk(side) {
    const context = this.#context();
    context.clearRect(0, 0, side, side);
    this.drawing.strokes.forEach((points, index) => {
      context.fillStyle = context.strokeStyle = this.#colour(index);
      drawStroke(context, this.drawing, points, side);
    });
    context.fillStyle = context.strokeStyle = this.#colour();
    if (this.current) drawStroke(context, this.drawing, this.current, side);
  }

  #side() {
    return Math.round(this.element.clientWidth * devicePixelRatio);
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
    on("keydown", (event) => this.#key(event));
    on("blur", () => {
      if (!this.pointers.isWriting()) this.endStroke();
      this.cursor.hidden = true;
    });
    on("contextmenu", (event) => event.preventDefault());
    return followPointers(this.ink, {
      begin: (event) => {
        this.cursor.hidden = true;
        this.box = this.ink.getBoundingClientRect();
        this.#begin(this.#point(event));
      },
      extend: (events) => events.forEach((event) => this.#extend(this.#point(event))),
      end: () => this.endStroke(),
      withdraw: (ended) => this.#withdraw(ended),
    });
  }

  /**
   * `[x, y, pressure]`, each 0 to 1. Mouse and finger always have full pressure. The stroke keeps its
   * shape if the page moves meanwhile.
   */
  #point(event) {
    const within = (value) => Math.min(1, Math.max(0, value));
    return [
      within((event.clientX - this.box.left) / this.box.width),
      within((event.clientY - this.box.top) / this.box.height),
      event.pointerType === "pen" ? within(event.pressure * 1.5) : 1,
    ];
  }

  #begin(point) {
    this.#keepCurrent(); // a stroke of the keyboard, which a pointer interrupts
    this.current = [point];
    drawStroke(this.#context(), this.drawing, this.current, this.ink.width);
    this.dispatchEvent(new Event("begin"));
  }

  #extend(point) {
    const last = this.current.at(-1);
    if (point[0] === last[0] && point[1] === last[1]) return;
    this.current.push(point);
    drawSegment(this.#context(), this.drawing, last, point, this.ink.width);
  }

  #keepCurrent() {
    if (!this.current) return;
    const stroke = this.current;
    this.current = null;
    this.written = [...this.drawing.strokes, stroke];
    this.#replace(this.written);
  }

  /** Removes the stroke of a palm as if it had never been: the current one, or one that `ended`. */
  #withdraw(ended) {
    this.current = null;
    if (ended && this.drawing.strokes === this.written) this.withdraw();
    this.#changed();
  }

  /** In a pad of another size the pointer is elsewhere: what it has drawn is kept and ends. */
  #resized() {
    if (this.#side() !== this.ink.width && this.pointers.isWriting()) this.endStroke();
    this.paint();
  }

  #key(event) {
    const withControl = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (event.key in ARROWS && !withControl) {
      const step = event.shiftKey ? FINE_KEY_STEP : KEY_STEP;
      this.at = ARROWS[event.key].map((way, axis) =>
        Math.min(1, Math.max(0, this.at[axis] + way * step)),
      );
      if (this.current && !this.pointers.isWriting()) this.#extend([...this.at, 1]);
    } else if (event.key === " ") {
      if (this.current) this.endStroke();
      else this.#begin([...this.at, 1]);
    } else if (event.key === "Escape") this.endStroke();
    else if (event.key === "Delete") this.clear();
    else if (withControl && (key === "y" || (key === "z" && event.shiftKey))) this.redo();
    else if (withControl && key === "z") this.undo();
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

  /** Replaces the strokes by others, which can be undone. */
  #replace(strokes) {
    this.drawing.past.push(this.drawing.strokes);
    this.drawing.future = [];
    this.drawing.strokes = strokes;
    this.#changed();
  }

  #travel(from, to) {
    const { drawing } = this;
    if (!drawing[from].length) return;
    drawing[to].push(drawing.strokes);
    drawing.strokes = drawing[from].pop();
    this.#changed();
  }

  #changed() {
    this.paint();
    this.dispatchEvent(new Event("change"));
  }
}
