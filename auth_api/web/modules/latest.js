// Asks about what changes faster than answers come: one question at a time, and of those that wait
// the newest wins.

/**
 * `ask(subject)` answers or throws; `done(answer, problem)` is told of what was asked last,
 * `superseded(answer)` of answers that came too late.
 */
export function latest(ask, done, superseded) {
  let running = false;
  let next = null;
  let round = 0;

  async function run(subject, mine) {
    running = true;
    try {
      const answer = await ask(subject);
      if (mine === round) done(answer, null);
      else superseded(answer);
    } catch (problem) {
      if (mine === round) done(null, problem);
    } finally {
      running = false;
      const waiting = next;
      next = null;
      if (waiting) run(...waiting);
    }
  }

  return {
    /** Asks about `subject` as soon as nothing else is under way. */
    want(subject) {
      round++;
      if (running) next = [subject, round];
      else run(subject, round);
    },
    /** Nothing that was asked is wanted any more. */
    drop() {
      round++;
      next = null;
    },
  };
}
