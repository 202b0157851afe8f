// The line above a letter that is practised in a session: how far it is, and the time left.

import { el, fill } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { number, t } from "../../modules/strings.js";
import { secondsLeft } from "./session.js";

/** The line about `session` (session.js). Its clock stops when `signal` aborts. */
export function sessionBar(session, signal) {
  const clock = el("span", { class: "clock" });
  const show = () => {
    const seconds = secondsLeft(session);
    const digits = { minimumIntegerDigits: 2 };
    fill(clock, `${number(Math.floor(seconds / 60))}:${number(seconds % 60, digits)}`);
  };
  show();
  const timer = setInterval(show, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return el(
    "p",
    { class: "session-bar small" },
    t("session.position", { number: session.position + 1, count: session.queue.length }),
    clock,
    el("a", { href: href("/session") }, t("session.end")),
  );
}
