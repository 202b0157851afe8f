// Photographs of sheets and what the service says of them. They stay when another view is shown, and
// when the language changes.

import { ApiError, request } from "../../modules/api.js";
import { isPicture } from "../../modules/pictures.js";
import { currentUser } from "../../modules/session.js";
import { bodyOf } from "../../modules/writing.js";
import { strictness } from "../practise/attempts.js";

let current = null;
let owner = null;

/** The photographs of the current user. */
export function currentJudging() {
  const user = currentUser()?.username ?? null;
  // A visitor who signs in keeps the sheets. Another user does not see them.
  if (owner !== null && owner !== user) current.clear();
  owner = user;
  current ??= new Judging();
  return current;
}

/** Events: `change` after each change, `judged` with the entry of each new sheet. */
class Judging extends EventTarget {
  /** `{file, sheet, error}`: a sheet of `/api/worksheets/judge/`, an error, or neither yet. */
  entries = [];
  #controller = new AbortController();
  #isRunning = false;

  /** Adds files, and judges the pictures among them. Those that were refused are gone then. */
  add(files) {
    const kept = this.entries.filter(({ file, error }) => isPicture(file) && !error);
    this.entries = [...kept, ...files.map((file) => ({ file, sheet: null, error: null }))];
    this.#run();
  }

  /** Judges a picture again that the service did not judge. */
  again(entry) {
    entry.error = null;
    this.#run();
  }

  /** Forgets everything. */
  clear() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.entries = [];
    this.#changed();
  }

  /** Whether an entry is still to be judged. */
  isWaiting({ file, sheet, error }) {
    return isPicture(file) && !sheet && !error;
  }

  // One picture at a time: the first sheet is there soon, and the rest of the school gets its turn.
  async #run() {
    this.#changed();
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (;;) {
      const entry = this.entries.find((each) => this.isWaiting(each));
      if (!entry) break;
      await this.#judge(entry);
      this.#changed();
      if (entry.sheet) this.dispatchEvent(new CustomEvent("judged", { detail: entry }));
    }
    this.#isRunning = false;
  }

  async #judge(entry) {
    const { signal } = this.#controller;
    const options = { ...bodyOf(entry.file), query: { strictness: strictness() }, signal };
    try {
      // A lost answer may have been kept: a second request would count the attempts twice.
      const answer = await request("POST", "/api/worksheets/judge/", {
        ...options,
        repeatable: "refused",
      });
      if (!signal.aborted) [entry.sheet] = answer.results;
    } catch (error) {
      if (!(signal.aborted || error instanceof ApiError)) reportError(error); // a bug
      entry.error = error;
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
