// Guidance under the ink: the reference to trace, the start of the next stroke, a stroke as a hint,
// and all strokes played in order.

import { drawStroke } from "../../modules/pens.js";
import { themeColour } from "../../modules/theme-colours.js";
import { drawInk, mergeInks } from "./ink.js";
import { drawStart, partialStroke, strokeLength } from "./stroke-layers.js";

const TRACE_OPACITY = 0.16;
const PLAYED_OPACITY = 0.5;
const HINT_OPACITY = 0.45;
const MISS_OPACITY = 0.35;
// Timing of the animation in milliseconds: per stroke, per length of the side, between strokes, and
// per still picture if the user prefers reduced motion.
const STROKE_MILLISECONDS = 250;
const LENGTH_MILLISECONDS = 1100;
const PAUSE_MILLISECONDS = 350;
const STILL_MILLISECONDS = 1400;
// A missed stroke shakes: its way to either side as a fraction of the side, times, and duration.
const SHAKE = { way: 0.015, times: 3, milliseconds: 300 };

const prefersStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Draws under the ink of a pad. Events: `play` when another stroke plays, `end` when none does. */
export class Guide extends EventTarget {
  #cancelPlaying = () => null;
  #cancelShaking = () => null;

  /** `layers` are those of `character` (stroke-layers.js). Stops when `signal` aborts. */
  constructor(pad, character, layers, signal) {
    super();
    this.pad = pad;
    this.strokes = character.strokes;
    this.layers = layers;
    this.shown = { whole: false, start: null, ghost: null, missed: null };
    this.playing = null; // {stroke, share}: index of a stroke and its visible fraction
    this.offset = 0; // of the missed stroke, while it shakes
    pad.addPainter((context, side) => this.#paint(context, side));
    pad.addEventListener("begin", () => this.stop());
    signal.addEventListener("abort", () => {
      this.stop();
      this.#cancelShaking();
    });
  }

  /**
   * Changes what is shown: `whole`, the faint reference; `start`, the index of a stroke whose start
   * is marked; `ghost`, that of a stroke shown as a hint; `missed`, a stroke as points.
   */
  show(changes) {
    Object.assign(this.shown, changes);
    this.pad.paintUnder();
  }

  /** Plays the strokes in order. They stay until `stop`, or until the pen touches. */
  play() {
    this.#cancelPlaying();
    this.#showStroke(0, 0);
    if (prefersStill()) this.#showStill(0);
    else this.#animate();
  }

  /** Hides the played strokes. */
  stop() {
    this.#cancelPlaying();
    if (!this.playing) return;
    this.playing = null;
    this.#played("end");
  }

  /** Shakes the missed stroke. */
  shake() {
    if (prefersStill()) return;
    this.#cancelShaking();
    const since = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - since) / SHAKE.milliseconds);
      this.offset = SHAKE.way * Math.sin(share * SHAKE.times * 2 * Math.PI);
      this.pad.paintUnder();
      if (share < 1) frame = requestAnimationFrame(step);
    };
    let frame = requestAnimationFrame(step);
    this.#cancelShaking = () => cancelAnimationFrame(frame);
  }

  #animate() {
    let stroke = 0;
    let since = performance.now();
    const step = (now) => {
      const takes = STROKE_MILLISECONDS + strokeLength(this.strokes[stroke]) * LENGTH_MILLISECONDS;
      const share = Math.min(1, Math.max(0, now - since) / takes);
      if (now - since < takes + PAUSE_MILLISECONDS) this.#showStroke(stroke, share);
      else if (stroke + 1 < this.strokes.length) {
        since = now;
        this.#showStroke(++stroke, 0);
      } else return; // the strokes stay visible
      next();
    };
    const next = () => {
      const frame = requestAnimationFrame(step);
      this.#cancelPlaying = () => cancelAnimationFrame(frame);
    };
    next();
  }

  #showStill(stroke) {
    this.#showStroke(stroke, 1);
    if (stroke + 1 < this.strokes.length) {
      const timer = setTimeout(() => this.#showStill(stroke + 1), STILL_MILLISECONDS);
      this.#cancelPlaying = () => clearTimeout(timer);
    }
  }

  #showStroke(stroke, share) {
    const isAnother = this.playing?.stroke !== stroke;
    this.playing = { stroke, share };
    if (isAnother) this.#played("play");
    else this.pad.paintUnder();
  }

  #played(event) {
    this.pad.element.classList.toggle("playing", this.playing !== null);
    this.pad.paintUnder();
    this.dispatchEvent(new Event(event));
  }

  #paint(context, side) {
    const { whole, start, ghost, missed } = this.shown;
    const ink = themeColour("--ink");
    const accent = themeColour("--accent");
    if (whole || this.playing) drawInk(context, side, this.layers.whole, ink, TRACE_OPACITY);
    if (this.playing) return this.#paintPlayed(context, side, ink, accent);
    if (missed) this.#paintMissed(context, side, missed);
    if (ghost !== null) drawInk(context, side, this.layers.strokes[ghost], accent, HINT_OPACITY);
    if (start !== null) drawStart(context, side, this.layers, start);
  }

  #paintPlayed(context, side, ink, accent) {
    const { stroke, share } = this.playing;
    drawInk(context, side, mergeInks(this.layers.strokes.slice(0, stroke)), ink, PLAYED_OPACITY);
    const shown = partialStroke(this.layers.strokes[stroke], this.strokes[stroke], share);
    drawInk(context, side, shown, accent);
    for (let index = 0; index <= stroke; index++) drawStart(context, side, this.layers, index);
  }

  #paintMissed(context, side, points) {
    // Drawn opaque first: the pieces of a stroke overlap.
    const canvas = new OffscreenCanvas(side, side);
    const opaque = canvas.getContext("2d");
    opaque.fillStyle = opaque.strokeStyle = themeColour("--soft");
    drawStroke(opaque, this.pad.drawing, points, side);
    context.save();
    context.globalAlpha = MISS_OPACITY;
    context.drawImage(canvas, this.offset * side, 0);
    context.restore();
  }
}
