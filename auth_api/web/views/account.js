// The account: profile, password, preferences, sessions, API keys, export and deletion.

import { actionButton } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { card } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { signOut } from "../modules/session.js";
import { day, t } from "../modules/strings.js";
import { archiveCard } from "./account/archive.js";
import { passwordForm, usernameForm } from "./account/credentials.js";
import { deletionCard } from "./account/deletion.js";
import { keysCard } from "./account/keys.js";
import { preferencesForm } from "./account/preferences.js";
import { sessionsCard } from "./account/sessions.js";
import { exportButtons } from "./history/export.js";

export default async function view({ signal }) {
  const [me, sessions, keys] = await Promise.all([
    get("/api/me/", {}, { signal }),
    get("/api/sessions/", {}, { signal }),
    get("/api/api-keys/", {}, { signal }),
  ]);
  return [
    el("h1", {}, t("account.title")),
    el(
      "div",
      { class: "two" },
      el(
        "div",
        { class: "stack" },
        profileCard(me),
        card(t("username.title"), usernameForm(me)),
        card(t("password.title"), passwordForm(me)),
        card(t("preferences.title"), preferencesForm(me)),
        card(t("export.title"), el("p", {}, t("export.what")), exportButtons(signal)),
        archiveCard(signal),
      ),
      el(
        "div",
        { class: "stack" },
        sessionsCard(sessions.results, signal),
        keysCard(keys.results, signal),
        deletionCard(),
      ),
    ),
  ];
}

function profileCard(me) {
  const errors = el("div", {});
  const facts = [
    [t("account.username"), el("strong", { class: "username" }, me.username)],
    [t("account.email"), me.email],
    [t("account.role"), t(`role.${me.role}`)],
    [t("account.since"), day(me.created_at)],
  ];
  return el(
    "section",
    { class: "card stack", "aria-label": t("account.who") },
    el(
      "dl",
      { class: "known wide" },
      facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
    el("div", { class: "row" }, actionButton(t("account.signOut"), signOut, errors)),
    errors,
  );
}
