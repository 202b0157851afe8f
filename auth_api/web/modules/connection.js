// A line above all views: whether the service is reachable, and whether it is busy.

import { el, fill } from "./dom.js";
import { t } from "./strings.js";

const line = el("div", { class: "connection", role: "status" });
let busyUntil = 0;
let unreachable = false;

/** The line. Empty while all is well. */
export function connectionLine() {
  addEventListener("online", update);
  addEventListener("offline", update);
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
  if (!navigator.onLine) fill(line, t("connection.offline"));
  else if (seconds > 0) {
    fill(line, t("connection.busy", { count: seconds }));
    setTimeout(update, 1000);
  } else if (unreachable) fill(line, t("connection.unreachable"));
  else fill(line);
  line.classList.toggle("shown", line.hasChildNodes());
}
