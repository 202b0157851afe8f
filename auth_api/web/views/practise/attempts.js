// The attempts at each character: what is drawn, and what the service said of it. They stay while
// other views are shown, or the same one in another language.

import { ask, remove } from "../../modules/api.js";
import { latest } from "../../modules/latest.js";
import { currentUser } from "../../modules/session.js";
import { remember, remembered } from "../../modules/storage.js";

export const STRICTNESSES = ["lenient", "normal", "strict"];

const attempts = new Map();
let owner = null;

/** What counts as a fault: one of STRICTNESSES. */
export function strictness() {
  const chosen = remembered("strictness");
  return STRICTNESSES.includes(chosen) ? chosen : "normal";
}

/** The attempts at the character `target`, of whoever is signed in. */
export function attemptsAt(target) {
  const user = currentUser()?.username ?? null;
  // Who signs in after drawing goes on with it; nobody finds the drawings of somebody else.
  if (owner !== null && owner !== user) attempts.clear();
  owner = user;
  if (!attempts.has(target)) attempts.set(target, new Attempts(target));
  return attempts.get(target);
}

/** Events: `change` with everything, `judged` when there is another answer. */
class Attempts extends EventTarget {
  constructor(target) {
    super();
    this.target = target;
    this.drawing = {}; // the pad's (modules/pad.js)
    this.judged = null; // {answer, picture, ink}: the last that was answered
    this.problem = null;
    this.busy = false;
    this.wanted = null;
    this.asking = latest(
      (subject) => this.#compare(subject),
      (judged, problem) => this.#answered(judged, problem),
      (judged) => forget(judged.answer),
    );
  }

  /**
   * Compares a picture with the reference. `ink` says what it shows: a comparison is practice, so
   * the same ink judged once more takes the place of what was said of it before, in the history too.
   */
  compare(picture, ink) {
    this.wanted = { picture, ink };
    this.again();
  }

  /** Compares the last picture once more, as after a failure or with another strictness. */
  again() {
    this.busy = true;
    this.problem = null;
    this.dispatchEvent(new Event("change"));
    this.asking.want(this.wanted);
  }

  /** Chooses what counts as a fault, for what has been judged too. */
  chooseStrictness(chosen) {
    remember("strictness", chosen);
    if (this.judged || this.busy) this.again();
  }

  async #compare({ picture, ink }) {
    const form = new FormData();
    form.append("image", picture, picture.name ?? "drawing.png");
    form.append("target_class", this.target);
    const options = { query: { strictness: strictness() }, form, repeatable: true };
    const answer = await ask("POST", "/api/similarity/", options);
    if (this.judged?.ink === ink) await forget(this.judged.answer);
    return { answer, picture, ink };
  }

  #answered(judged, problem) {
    this.busy = false;
    this.problem = problem;
    if (judged) this.judged = judged;
    this.dispatchEvent(new Event("change"));
    if (judged) this.dispatchEvent(new Event("judged"));
  }
}

/** Takes a comparison out of the history. */
async function forget(answer) {
  const id = answer.comparison_id;
  answer.comparison_id = null;
  if (id) await remove(`/api/history/similarities/${id}/`).catch(() => null);
}
