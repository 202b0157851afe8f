// Whether the service can be reached, and whether it is busy: a line that all views share.

import { el, fill } from "./dom.js";
import { t } from "./strings.js";

const line = el("div", { class: "connection", role: "status" });
let busyUntil = 0;
let unreachable = false;

/** The line; empty while all is well. */
export function connectionLine() {
  addEventListener("online", show);
  addEventListener("offline", show);
  return line;
}

/** Notes that a request was answered. */
export function reached() {
  if (unreachable || busyUntil) {
    unreachable = false;
    busyUntil = 0;
    show();
  }
}

/** Notes that nobody answered. */
export function notReached() {
  unreachable = true;
  show();
}

/** Notes that the service wants to be asked again in `seconds`. */
export function busyFor(seconds) {
  busyUntil = Date.now() + seconds * 1000;
  show();
}

/** Resolves after `seconds`, or as soon as the network is back. Rejects when `signal` aborts. */
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

function show() {
  const seconds = Math.ceil((busyUntil - Date.now()) / 1000);
  if (!navigator.onLine) fill(line, t("connection.offline"));
  else if (seconds > 0) {
    fill(line, t("connection.busy", { count: seconds }));
    setTimeout(show, 1000);
  } else if (unreachable) fill(line, t("connection.unreachable"));
  else fill(line);
  line.classList.toggle("shown", line.hasChildNodes());
}
