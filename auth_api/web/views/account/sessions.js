// The sessions of the user, with buttons to end them.

import { confirmButton } from "../../modules/actions.js";
import { get, remove } from "../../modules/api.js";
import { button } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { moment, t } from "../../modules/strings.js";
import { parseUserAgent } from "./user-agent.js";

// Sessions shown at first: the most recently used ones.
const INITIAL_COUNT = 6;

/** The card with all sessions. */
export function sessionsCard(sessions, signal) {
  const list = el("ul", { class: "entries" });
  const status = el("p", { class: "hint status", role: "status" });
  const heading = el("h2", { tabindex: "-1" }, t("sessions.title"));
  const endAllButton = el("div", {});
  const moreButton = el("div", {});
  const show = (results, message) => {
    const items = results.map((each) => entry(each, () => endSession(`/api/sessions/${each.id}/`)));
    const hidden = items.slice(INITIAL_COUNT);
    const more = () => {
      list.append(...hidden);
      fill(moreButton);
      hidden[0].querySelector("button").focus();
    };
    fill(list, items.slice(0, INITIAL_COUNT));
    fill(moreButton, hidden.length ? button(t("action.more"), more) : null);
    const others = results.length > 1;
    fill(endAllButton, others ? endOthers(() => endSession("/api/sessions/")) : null);
    fill(status, message);
  };
  const endSession = async (path) => {
    await remove(path, { signal });
    const { results } = await get("/api/sessions/", {}, { signal });
    show(results, t("sessions.ended"));
    heading.focus();
  };
  show(sessions);
  return el(
    "section",
    { class: "card stack" },
    heading,
    el("p", { class: "hint" }, t("sessions.what")),
    list,
    moreButton,
    endAllButton,
    status,
  );
}

const endOthers = (onEnd) =>
  confirmButton({
    label: t("sessions.endOthers"),
    name: t("sessions.title"),
    confirmLabel: t("sessions.reallyOthers"),
    act: onEnd,
  });

function entry(session, onEnd) {
  const name = nameOf(session.client);
  return el(
    "li",
    {},
    el(
      "div",
      {},
      el("strong", { title: session.client }, name),
      " ",
      session.current ? el("span", { class: "badge good" }, t("sessions.current")) : null,
      el(
        "p",
        { class: "hint small" },
        t("sessions.used", {
          since: moment(session.created_at),
          used: moment(session.last_used_at),
        }),
      ),
    ),
    session.current
      ? null
      : confirmButton({
          label: t("sessions.end"),
          name: `${name}, ${moment(session.last_used_at)}`,
          confirmLabel: t("sessions.really"),
          act: onEnd,
        }),
  );
}

function nameOf(client) {
  if (!client) return t("sessions.unknown");
  const { browser, system } = parseUserAgent(client);
  if (browser && system) return t("sessions.browser", { browser, system });
  return browser ?? system ?? client.split(" ")[0];
}
