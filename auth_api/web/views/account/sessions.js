// Where one is signed in, and ending that from here.

import { confirming } from "../../modules/actions.js";
import { get, remove } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { moment, t } from "../../modules/strings.js";
import { browserOf } from "./browser.js";

// Sessions that are shown at first: the ones that were used last.
const FIRST = 6;

/** The card with all sessions. */
export function sessionsCard(sessions, signal) {
  const list = el("ul", { class: "entries" });
  const said = el("p", { class: "hint said", role: "status" });
  const heading = el("h2", { tabindex: "-1" }, t("sessions.title"));
  const all = el("div", {});
  const rest = el("div", {});
  const show = (results, words) => {
    const items = results.map((each) => entry(each, () => end(`/api/sessions/${each.id}/`)));
    const hidden = items.slice(FIRST);
    const more = () => {
      list.append(...hidden);
      fill(rest);
      hidden[0].querySelector("button").focus();
    };
    fill(list, items.slice(0, FIRST));
    fill(rest, hidden.length ? tool(t("action.more"), more) : null);
    const others = results.length > 1;
    fill(all, others ? endOthers(() => end("/api/sessions/")) : null);
    fill(said, words);
  };
  const end = async (path) => {
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
    rest,
    all,
    said,
  );
}

const endOthers = (act) =>
  confirming({
    label: t("sessions.endOthers"),
    name: t("sessions.title"),
    sure: t("sessions.reallyOthers"),
    act,
  });

function entry(session, act) {
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
      : confirming({
          label: t("sessions.end"),
          name: `${name}, ${moment(session.last_used_at)}`,
          sure: t("sessions.really"),
          act,
        }),
  );
}

function nameOf(client) {
  if (!client) return t("sessions.unknown");
  const { browser, system } = browserOf(client);
  if (browser && system) return t("sessions.browser", { browser, system });
  return browser ?? system ?? client.split(" ")[0];
}
