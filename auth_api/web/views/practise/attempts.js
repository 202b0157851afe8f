// The attempts at each character: the drawing and its comparison. Kept when another view is shown,
// and when the language changes.

import { remove, request } from "../../modules/api.js";
import { latestRequest } from "../../modules/latest-request.js";
import { currentUser } from "../../modules/session.js";
import { forget, keep, mayArriveLater, newAttempt, optionsOf } from "../../modules/outbox.js";
import { remember, remembered } from "../../modules/storage.js";
import { bodyOf } from "../../modules/writing.js";

export const STRICTNESSES = ["lenient", "normal", "strict"];

const attempts = new Map();
let owner = null;

/** The stored strictness, one of STRICTNESSES. */
export function strictness() {
  const chosen = remembered("strictness");
  return STRICTNESSES.includes(chosen) ? chosen : "normal";
}

/** The current user's attempts at the class `target`. */
export function attemptsAt(target) {
  const user = currentUser()?.username ?? null;
  // A visitor who signs in keeps the drawings. Another user does not see them.
  if (owner !== null && owner !== user) attempts.clear();
  owner = user;
  if (!attempts.has(target)) attempts.set(target, new Attempts(target));
  return attempts.get(target);
}

/** Events: `change` after each change, `judged` after each new answer. */
class Attempts extends EventTarget {
  constructor(target) {
    super();
    this.target = target;
    this.drawing = {}; // of modules/pad.js
    this.judged = null; // {answer, ink} of the last answer
    this.error = null;
    this.busy = false;
    this.lastInput = null;
    this.written = null; // {ink, attempt} of the last drawing, for the outbox
    this.comparison = latestRequest(
      (input) => this.#compare(input),
      (judged, error) => this.#answered(judged, error),
      (judged) => deleteComparison(judged.answer),
    );
  }

  /**
   * Compares a writing (modules/writing.js) with the reference. `help` is the option of the service.
   * Comparing the same again replaces the earlier comparison in the history, so that it counts as
   * one attempt.
   */
  compare(writing, help) {
    this.lastInput = { writing, help };
    this.again();
  }

  /** Compares the last writing again, after a failure or with another strictness. */
  again() {
    this.busy = true;
    this.error = null;
    this.dispatchEvent(new Event("change"));
    this.comparison.send(this.lastInput);
  }

  /** Stores the strictness, and applies it to the last writing. */
  chooseStrictness(chosen) {
    remember("strictness", chosen);
    if (this.judged || this.busy) this.again();
  }

  async #compare({ writing, help }) {
    if (writing instanceof Blob) return this.#send(writing, this.#optionsOf(writing, help));
    const ink = JSON.stringify(writing);
    // A guest's comparison of the same again replaces the one that is kept.
    const again = this.written?.ink === ink && !this.judged?.answer.comparison_id;
    const fields = { class: this.target, writing, help, strictness: strictness() };
    const attempt = again ? { ...this.written.attempt, ...fields } : newAttempt(fields);
    this.written = { ink, attempt };
    try {
      const judged = await this.#send(ink, optionsOf(attempt));
      if (judged.answer.comparison_id === null) await keep(attempt);
      else await forget(attempt);
      return judged;
    } catch (error) {
      if (mayArriveLater(error)) await keep(attempt);
      throw error;
    }
  }

  async #send(ink, options) {
    const answer = await request("POST", "/api/similarity/", { ...options, repeatable: true });
    if (this.judged?.ink === ink) await deleteComparison(this.judged.answer);
    return { answer, ink };
  }

  #optionsOf(picture, help) {
    const query = { target_class: this.target, strictness: strictness(), help };
    return { ...bodyOf(picture), query };
  }

  #answered(judged, error) {
    this.busy = false;
    this.error = error;
    if (judged) this.judged = judged;
    this.dispatchEvent(new Event("change"));
    if (judged) this.dispatchEvent(new Event("judged"));
  }
}

/** Deletes a comparison from the history. */
async function deleteComparison(answer) {
  const id = answer.comparison_id;
  answer.comparison_id = null;
  if (id) await remove(`/api/history/similarities/${id}/`).catch(() => null);
}
