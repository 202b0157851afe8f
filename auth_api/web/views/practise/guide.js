// Guidance under the ink: the reference to trace, its strokes played in order, and the next stroke
// as a hint.

import { t } from "../../modules/strings.js";
import { themeColour } from "../../modules/theme-colours.js";
import { partName } from "./feedback.js";
import { drawInk, mergeInks } from "./ink.js";
import { drawStart, partialStroke, strokeLength } from "./stroke-layers.js";

const TRACE_OPACITY = 0.16;
const PLAYED_OPACITY = 0.5;
const HINT_OPACITY = 0.45;
// Timing of the animation in milliseconds: per stroke, per length of the side, between strokes, and
// per still picture if the user prefers reduced motion.
const STROKE_MILLISECONDS = 250;
const LENGTH_MILLISECONDS = 1100;
const PAUSE_MILLISECONDS = 350;
const STILL_MILLISECONDS = 1400;

/** Draws under the ink of a pad. Event: `change`. `text` describes what is shown, or is empty. */
export class Guide extends EventTarget {
  /** `layers` are those of `character` (stroke-layers.js). Stops when `signal` aborts. */
  constructor(pad, character, layers, signal) {
    super();
    this.pad = pad;
    this.strokes = character.strokes;
    this.layers = layers;
    this.text = "";
    this.tracing = false;
    this.playing = null; // {stroke, share}: index of a stroke and its visible fraction
    this.hinted = null; // index of a stroke
    this.cancel = () => null; // cancels the next step of the animation
    pad.addPainter((context, side) => this.#paint(context, side));
    pad.addEventListener("begin", () => this.stop());
    pad.addEventListener("change", () => this.#forgetHint());
    signal.addEventListener("abort", () => this.stop());
  }

  /** Shows or hides the faint reference. */
  trace(visible) {
    this.tracing = visible;
    this.pad.paintUnder();
  }

  /** Plays the strokes in order. They stay until `stop`, or until the pen touches. */
  play() {
    this.#forgetHint();
    this.#showStroke(0, 0);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.#showStill(0);
    else this.#animate();
  }

  /** Hides the strokes. */
  stop() {
    this.cancel();
    if (!this.playing) return;
    this.playing = null;
    this.#setText("");
  }

  /** Shows the stroke that comes after those already drawn. */
  hint() {
    this.stop();
    const next = this.pad.drawing.strokes.length;
    const count = this.strokes.length;
    this.hinted = next < count ? next : null;
    if (next < count) this.#setText(t("practise.hint.next", this.#values(next)));
    else this.#setText(t("practise.hint.none", { count }));
  }

  #values(index) {
    const name = partName(this.strokes[index].name);
    return { count: this.strokes.length, number: index + 1, name };
  }

  #forgetHint() {
    if (this.playing || !this.text) return;
    this.hinted = null;
    this.#setText("");
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
      this.cancel = () => cancelAnimationFrame(frame);
    };
    next();
  }

  #showStill(stroke) {
    this.#showStroke(stroke, 1);
    if (stroke + 1 < this.strokes.length) {
      const timer = setTimeout(() => this.#showStill(stroke + 1), STILL_MILLISECONDS);
      this.cancel = () => clearTimeout(timer);
    }
  }

  #showStroke(stroke, share) {
    const another = this.playing?.stroke !== stroke;
    this.playing = { stroke, share };
    if (another) this.#setText(t("practise.strokes.now", this.#values(stroke)));
    else this.pad.paintUnder();
  }

  #setText(text) {
    this.text = text;
    this.pad.element.classList.toggle("playing", this.playing !== null);
    this.pad.paintUnder();
    this.dispatchEvent(new Event("change"));
  }

  #paint(context, side) {
    const ink = themeColour("--ink");
    const accent = themeColour("--accent");
    if (this.tracing || this.playing) drawInk(context, side, this.layers.whole, ink, TRACE_OPACITY);
    if (this.hinted !== null) {
      drawInk(context, side, this.layers.strokes[this.hinted], accent, HINT_OPACITY);
      drawStart(context, side, this.layers, this.hinted);
    }
    if (!this.playing) return;
    const { stroke, share } = this.playing;
    drawInk(context, side, mergeInks(this.layers.strokes.slice(0, stroke)), ink, PLAYED_OPACITY);
    const shown = partialStroke(this.layers.strokes[stroke], this.strokes[stroke], share);
    drawInk(context, side, shown, accent);
    for (let index = 0; index <= stroke; index++) drawStart(context, side, this.layers, index);
  }
}
