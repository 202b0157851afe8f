// How much help a learner gets with each letter: it fades by itself as the letter succeeds.

import { remember, remembered } from "../../modules/storage.js";
import { ratingOf } from "./ratings.js";

/** `trace`: the letter lies under the pen. `hinted`: dots show where to begin. `memory`: nothing. */
export const STAGES = ["trace", "hinted", "memory"];

/** The option `help` of the service at each stage. */
export const HELP = { trace: "traced", hinted: "hinted", memory: "none" };

/** The stage of a class, or null if it was never written in this browser. */
export const storedStage = (index) => stages()[index] ?? null;

/** Whether any letter was written in this browser. */
export const hasWritten = () => Object.keys(stages()).length > 0;

/** Stores the stage of a class. */
export function storeStage(index, stage) {
  remember("stages", JSON.stringify({ ...stages(), [index]: stage }));
}

/** The stage that gives more help of two. */
export const moreHelp = (one, other) =>
  STAGES[Math.min(STAGES.indexOf(one), STAGES.indexOf(other))];

/**
 * The stage of the next attempt, after one with the help of `helped` and a mark of 0 to 100.
 * `stage` is where the attempt began.
 */
export function stageAfter(stage, helped, score) {
  const [begun, at] = [stage, helped].map((each) => STAGES.indexOf(each));
  const rating = ratingOf(score);
  if (rating === "again") return STAGES[Math.max(at - 1, 0)];
  if (rating === "hard") return stage;
  return STAGES[Math.max(begun, Math.min(at + 1, STAGES.length - 1))];
}

function stages() {
  try {
    return JSON.parse(remembered("stages")) ?? {};
  } catch {
    return {};
  }
}
