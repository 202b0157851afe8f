// A lesson of one letter: each stroke is judged when the pen lifts, and help fades (stages.js).

import { strokeJudge } from "../../modules/pen-up.js";
import { remember, remembered } from "../../modules/storage.js";
import { linesOf, matchStrokes } from "../../modules/stroke-matching.js";
import { t } from "../../modules/strings.js";
import { partName } from "./feedback.js";
import { HELP, moreHelp, stageAfter, STAGES, storedStage, storeStage } from "./stages.js";

// After so many misses the right stroke is shown.
const MISSES = 2;

/** Whether strokes are judged when the pen lifts; a setting. */
export const isJudging = () => remembered("judging", "on") === "on";

/**
 * Guides the writing of `character` on a pad. Events: `change`, when `text`, what the learner is
 * told, or the stage changed; `complete`, when the last stroke is right.
 */
export class Lesson extends EventTarget {
  #judge;
  #accepted; // number of strokes that are known to be right
  #misses = 0; // since the last right stroke
  #missed = null; // the last stroke that was wrong

  constructor(pad, guide, character) {
    super();
    this.pad = pad;
    this.guide = guide;
    this.character = character;
    this.text = "";
    this.mood = ""; // of the text: "good", "bad" or ""
    this.stage = storedStage(character.class) ?? STAGES[0];
    this.helped = this.stage; // the most helpful stage of this attempt
    this.#judge = strokeJudge(character.strokes);
    // The browser compiles the code at its first use, which should not be the learner's.
    setTimeout(() => this.#judge(character.strokes[0].points, 0));
    this.#accepted = pad.drawing.strokes.length;
    pad.colourOf = (index) => (isJudging() && index < this.#accepted ? "--good" : null);
    pad.addEventListener("change", () => this.#changed());
    guide.addEventListener("play", () => this.#tellPlayed());
    guide.addEventListener("end", () => this.#tell(""));
    this.#guide();
  }

  /** The option `help` of the service for this attempt. */
  get help() {
    return HELP[this.helped];
  }

  /** Plays the strokes. */
  watch() {
    this.#helpWith("hinted");
    this.guide.play();
  }

  /** Chooses the help, one of STAGES. */
  choose(stage) {
    this.stage = stage;
    storeStage(this.character.class, stage);
    const isFresh = this.pad.isEmpty && !this.#misses;
    this.helped = isFresh ? stage : moreHelp(this.helped, stage);
    this.guide.stop();
    this.#guide();
    this.#tell("");
  }

  /** Shows the next stroke. */
  hint() {
    const next = this.#next();
    this.#helpWith("hinted");
    this.guide.stop();
    this.guide.show({ start: next, ghost: next });
    const count = this.character.strokes.length;
    if (next === null) this.#tell(t("practise.hint.none", { count }));
    else this.#tell(t("practise.hint.next", this.#values(next)));
  }

  /** Switches the judging of strokes. */
  judge(judging) {
    remember("judging", judging ? "on" : "off");
    this.#accepted = this.pad.drawing.strokes.length;
    this.#forget();
    this.#guide();
    this.pad.paint();
    this.#tell("");
  }

  /** Takes strokes that were drawn elsewhere as they are. */
  load(strokes) {
    this.#accepted = strokes.length;
    this.pad.load(strokes);
  }

  /** Lets help fade after an attempt, and lights up the part that its first sentence is about. */
  finish({ score, faults, form }) {
    this.stage = stageAfter(this.stage, this.helped, score);
    storeStage(this.character.class, this.stage);
    // Other forms have other strokes than the reference.
    const stroke = form === "nithya" ? (faults[0]?.stroke ?? null) : null;
    this.guide.show({ start: null, ghost: stroke });
    this.dispatchEvent(new Event("change"));
  }

  /** Begins the next attempt on an empty pad. */
  startOver() {
    this.helped = this.stage;
    this.pad.clear();
    this.#guide();
    this.#tell("");
  }

  #forget() {
    this.#misses = 0;
    this.#missed = null;
  }

  #helpWith(stage) {
    this.helped = moreHelp(this.helped, stage);
  }

  /** The index of the next stroke, or null after the last one. */
  #next() {
    const { strokes } = this.character;
    const drawn = this.pad.drawing.strokes;
    if (isJudging()) return this.#accepted < strokes.length ? this.#accepted : null;
    if (!drawn.length) return 0;
    const form = linesOf(strokes.map(({ points }) => points));
    const { matched } = matchStrokes(linesOf(drawn), form);
    const missing = strokes.findIndex((_, index) => !matched.some((each) => each.stroke === index));
    return missing < 0 ? null : missing;
  }

  #changed() {
    const { strokes } = this.pad.drawing;
    const isNew = strokes.length === this.#accepted + 1;
    if (isJudging() && isNew && this.#accepted < this.character.strokes.length) {
      this.#judgeLast();
    } else {
      this.#accepted = strokes.length;
      this.#forget();
      this.#tell("");
    }
    this.#guide();
  }

  #judgeLast() {
    const { strokes } = this.pad.drawing;
    const next = this.#accepted;
    const { verdict, stroke } = this.#judge(strokes.at(-1), next);
    if (verdict === "right") {
      this.#accepted += 1;
      this.#forget();
      const following = this.#next();
      const key = following === null ? "done" : this.stage === "memory" ? "right" : "next";
      this.#tell(t(`penUp.${key}`, this.#values(following ?? next)), "good");
      if (following === null) this.dispatchEvent(new Event("complete"));
    } else {
      this.#missed = this.pad.withdraw();
      this.#misses += 1;
      const values = this.#values(next);
      const drawn = stroke === null ? null : partName(this.character.strokes[stroke].name);
      this.#tell(t(`penUp.${verdict}`, { ...values, drawn }), "bad");
      this.guide.shake();
    }
    this.pad.paint();
  }

  /** Shows the help of the stage for the next stroke. */
  #guide() {
    const isGhost = this.#misses >= MISSES;
    if (isGhost) this.#helpWith("hinted");
    const isLed = this.stage !== "memory" && isJudging();
    const start = isLed || isGhost ? this.#next() : null;
    this.guide.show({
      whole: this.stage === "trace",
      start,
      ghost: isGhost ? start : null,
      missed: this.#missed,
    });
  }

  #tellPlayed() {
    this.#tell(t("practise.strokes.now", this.#values(this.guide.playing.stroke)));
  }

  #tell(text, mood = "") {
    this.text = text;
    this.mood = mood;
    this.dispatchEvent(new Event("change"));
  }

  #values(index) {
    const name = partName(this.character.strokes[index].name);
    return { count: this.character.strokes.length, number: index + 1, name };
  }
}
