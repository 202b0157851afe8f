// A line above all views: whether the service is reachable, whether it is busy, and what waits to
// be sent.

import { el, fill } from "./dom.js";
import { t } from "./strings.js";

const line = el("div", { class: "connection", role: "status" });
let busyUntil = 0;
let unreachable = false;
let waiting = 0;

/** The line. Empty while all is well. */
export function connectionLine() {
  addEventListener("online", update);
  addEventListener("offline", update);
  update(); // the page may open without the network
  return line;
}

/** Records that a response came. */
export function markReachable() {
  if (unreachable || busyUntil) {
    unreachable = false;
    busyUntil = 0;
    update();
  }
}

/** Records a network error. */
export function markUnreachable() {
  unreachable = true;
  update();
}

/** Records that the next retry is in `seconds`. */
export function markBusy(seconds) {
  busyUntil = Date.now() + seconds * 1000;
  update();
}

/** Records how many attempts wait to be sent. */
export function markWaiting(count) {
  if (count === waiting) return;
  waiting = count;
  update();
}

/** Resolves after `seconds`, or earlier when the network is back. Rejects when `signal` aborts. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, seconds * 1000);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    function stop() {
      done();
      reject(signal.reason);
    }
    addEventListener("online", done);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
  });
}

function update() {
  const seconds = Math.ceil((busyUntil - Date.now()) / 1000);
  const sentences = [];
  if (!navigator.onLine) sentences.push(t("connection.offline"));
  else if (seconds > 0) {
    sentences.push(t("connection.busy", { count: seconds }));
    setTimeout(update, 1000);
  } else if (unreachable) sentences.push(t("connection.unreachable"));
  if (waiting) sentences.push(t("connection.waiting", { count: waiting }));
  fill(line, sentences.join(" "));
  line.classList.toggle("shown", sentences.length > 0);
}
