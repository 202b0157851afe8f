// Requests about an input that changes faster than responses come: one at a time, and only the
// newest of the waiting inputs is sent.

/**
 * Calls `done(answer, error)` for the newest input, and `superseded(answer)` for answers that came
 * too late. `send(input)` returns a promise of the answer.
 */
export function latestRequest(send, done, superseded) {
  let running = false;
  let next = null;
  let round = 0;

  async function run(input, ownRound) {
    running = true;
    try {
      const answer = await send(input);
      if (ownRound === round) done(answer, null);
      else superseded(answer);
    } catch (error) {
      if (ownRound === round) done(null, error);
    } finally {
      running = false;
      const waiting = next;
      next = null;
      if (waiting) run(...waiting);
    }
  }

  return {
    /** Sends `input` as soon as no other request runs. */
    send(input) {
      round++;
      if (running) next = [input, round];
      else run(input, round);
    },
    /** Ignores the answers to all inputs so far. */
    cancel() {
      round++;
      next = null;
    },
  };
}
