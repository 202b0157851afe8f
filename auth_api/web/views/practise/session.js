// A practice session: letters one after the other, for five minutes. It ends with the page.

const MINUTES = 5;

let current = null; // {queue, position, ends, scores}

/** Begins a session with classes in their order, and returns the first. */
export function beginSession(queue) {
  const scores = []; // [class, mark] of each attempt
  current = { queue, position: 0, ends: Date.now() + MINUTES * 60_000, scores };
  return queue[0];
}

/** The running session if the class `index` is its turn, or null. */
export const sessionAt = (index) => (current?.queue[current.position] === index ? current : null);

/** The session that runs or has ended, or null. */
export const session = () => current;

/** Seconds that are left. */
export const secondsLeft = ({ ends }) => Math.max(0, Math.ceil((ends - Date.now()) / 1000));

/** The class after the current one, or null if the time or the letters are over. */
export const following = (running) =>
  secondsLeft(running) ? (running.queue[running.position + 1] ?? null) : null;

/** Goes on to the next class. */
export function advance(running) {
  running.position += 1;
}
