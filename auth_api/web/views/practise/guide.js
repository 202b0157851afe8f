// What helps a learner under the ink: the reference to trace, its strokes played in order, and the
// next stroke as a hint.

import { colourOf } from "../../modules/light.js";
import { number, t } from "../../modules/strings.js";
import { drawInk, together } from "./inks.js";
import { begun, lengthOf } from "./layers.js";
import { partName } from "./sentences.js";

// How dark ink is: to be traced; of strokes that were played; of the hint.
const FAINT = 0.16;
const PLAYED = 0.5;
const HINTED = 0.45;
// Milliseconds: for the beginning of each stroke, for a way as long as the side, between strokes,
// and that a still picture stands where motion is not wanted.
const START = 250;
const SIDE_LONG = 1100;
const BETWEEN = 350;
const STILL = 1400;
// Radius of what marks the beginning of a stroke, as a share of the side.
const MARK = 0.032;

/**
 * Draws under the ink of a pad. Events: `change` when what it shows changed, with `says`, a sentence
 * about it, empty for nothing.
 */
export class Guide extends EventTarget {
  /** `layers` are those of `character` (layers.js). All ends when `signal` aborts. */
  constructor(pad, character, layers, signal) {
    super();
    this.pad = pad;
    this.strokes = character.strokes;
    this.layers = layers;
    this.says = "";
    this.tracing = false;
    this.playing = null; // {stroke, share}: what is revealed so far
    this.hinted = null; // index of a stroke
    this.cancel = () => null; // ends what is under way
    pad.addPainter((context, side) => this.#paint(context, side));
    pad.addEventListener("begin", () => this.stop());
    pad.addEventListener("change", () => this.#forgetHint());
    signal.addEventListener("abort", () => this.stop());
  }

  /** Whether the reference lies faintly under the ink. */
  trace(wanted) {
    this.tracing = wanted;
    this.pad.paintUnder();
  }

  /** Plays the strokes in order; they stay until `stop` or until the pen touches. */
  play() {
    this.#forgetHint();
    this.#show(0, 0);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.#still(0);
    else this.#moving();
  }

  /** Shows no strokes any more. */
  stop() {
    this.cancel();
    if (!this.playing) return;
    this.playing = null;
    this.#tell("");
  }

  /** Shows the stroke after as many as were drawn. */
  hint() {
    this.stop();
    const next = this.pad.drawing.strokes.length;
    const count = this.strokes.length;
    this.hinted = next < count ? next : null;
    if (next < count) this.#tell(t("practise.hint.next", this.#values(next)));
    else this.#tell(t("practise.hint.none", { count }));
  }

  #values(index) {
    const name = partName(this.strokes[index].name);
    return { count: this.strokes.length, number: index + 1, name };
  }

  #forgetHint() {
    if (this.playing || !this.says) return;
    this.hinted = null;
    this.#tell("");
  }

  #moving() {
    let stroke = 0;
    let since = performance.now();
    const step = (now) => {
      const takes = START + lengthOf(this.strokes[stroke]) * SIDE_LONG;
      const share = Math.min(1, Math.max(0, now - since) / takes);
      if (now - since < takes + BETWEEN) this.#show(stroke, share);
      else if (stroke + 1 < this.strokes.length) {
        since = now;
        this.#show(++stroke, 0);
      } else return; // all of them stay
      next();
    };
    const next = () => {
      const frame = requestAnimationFrame(step);
      this.cancel = () => cancelAnimationFrame(frame);
    };
    next();
  }

  #still(stroke) {
    this.#show(stroke, 1);
    if (stroke + 1 < this.strokes.length) {
      const timer = setTimeout(() => this.#still(stroke + 1), STILL);
      this.cancel = () => clearTimeout(timer);
    }
  }

  #show(stroke, share) {
    const another = this.playing?.stroke !== stroke;
    this.playing = { stroke, share };
    if (another) this.#tell(t("practise.strokes.now", this.#values(stroke)));
    else this.pad.paintUnder();
  }

  #tell(says) {
    this.says = says;
    this.pad.element.classList.toggle("playing", this.playing !== null);
    this.pad.paintUnder();
    this.dispatchEvent(new Event("change"));
  }

  #paint(context, side) {
    const ink = colourOf("--ink");
    const accent = colourOf("--accent");
    if (this.tracing || this.playing) drawInk(context, side, this.layers.whole, ink, FAINT);
    if (this.hinted !== null) {
      drawInk(context, side, this.layers.strokes[this.hinted], accent, HINTED);
      this.#mark(context, side, this.hinted);
    }
    if (!this.playing) return;
    const { stroke, share } = this.playing;
    drawInk(context, side, together(this.layers.strokes.slice(0, stroke)), ink, PLAYED);
    const shown = begun(this.layers.strokes[stroke], this.strokes[stroke], share);
    drawInk(context, side, shown, accent);
    for (let index = 0; index <= stroke; index++) this.#mark(context, side, index);
  }

  /** Marks where a stroke begins, with its number. */
  #mark(context, side, index) {
    const [x, y] = this.strokes[index].points[0].map((share) => share * side);
    context.beginPath();
    context.arc(x, y, MARK * side, 0, 2 * Math.PI);
    context.fillStyle = colourOf("--surface");
    context.strokeStyle = colourOf("--accent");
    context.lineWidth = side * 0.006;
    context.fill();
    context.stroke();
    context.fillStyle = colourOf("--ink");
    context.font = `600 ${MARK * 1.3 * side}px ${colourOf("--text")}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(number(index + 1), x, y);
  }
}
