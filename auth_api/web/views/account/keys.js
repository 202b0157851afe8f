// API keys: for programs of one's own.

import { confirming } from "../../modules/actions.js";
import { get, post, remove } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { checkbox, field, form, select } from "../../modules/forms.js";
import { moment, t } from "../../modules/strings.js";

// Days that a key can be made for; the service takes any number up to ten years.
const LIVES = [30, 90, 365];
const SCOPES = ["predict", "history"];

/** The card with all API keys, and the form for another one. */
export function keysCard(keys, signal) {
  const list = el("ul", { class: "entries" });
  const heading = el("h2", { tabindex: "-1" }, t("keys.title"));
  const said = el("p", { class: "hint said", role: "status" });
  const once = el("div", {});
  const show = (results) =>
    fill(
      list,
      results.map((key) => entry(key, () => revoke(key))),
    );
  const reload = async () => show((await get("/api/api-keys/", {}, { signal })).results);
  const revoke = async (key) => {
    await remove(`/api/api-keys/${key.id}/`, { signal });
    fill(once);
    await reload();
    fill(said, t("keys.revoked", { name: key.name }));
    heading.focus();
  };
  const made = async (key) => {
    const { element, focus } = shownOnce(key);
    fill(once, element);
    fill(said);
    focus();
    await reload();
  };
  show(keys);
  return el(
    "section",
    { class: "card stack" },
    heading,
    el("p", { class: "hint" }, t("keys.what"), " ", el("a", { href: "/docs" }, t("keys.docs"))),
    once,
    list,
    said,
    el("details", {}, el("summary", {}, t("keys.make")), keyForm(made)),
  );
}

function keyForm(made) {
  const lives = LIVES.map((days) => [String(days), t("keys.days", { count: days })]);
  const life = select([["", t("keys.forever")], ...lives], String(LIVES[1]));
  const fields = {
    name: field(
      t("keys.name"),
      el("input", { maxlength: 64, autocomplete: "off", required: true }),
      { hint: t("keys.name.why") },
    ),
    predict: checkbox(t("keys.scope.predict"), true),
    history: checkbox(t("keys.scope.history"), false),
    expires_in_days: field(t("keys.life"), life),
  };
  const send = async ({ name, expires_in_days: days, ...chosen }) => {
    const scopes = SCOPES.filter((scope) => chosen[scope]);
    if (!scopes.length) {
      fields.predict.say(t("keys.scope.missing"));
      fields.predict.control.focus();
      return;
    }
    const asked = { name: name.trim(), scopes, expires_in_days: Number(days) || null };
    const key = await post("/api/api-keys/", asked);
    fields.name.control.value = "";
    await made(key);
  };
  return form({ fields, submit: t("keys.submit"), send });
}

/** The one time that a key can be seen and copied. */
function shownOnce({ key, name }) {
  const value = el("input", {
    readonly: true,
    value: key,
    "aria-label": t("keys.key", { name }),
    class: "key",
    on: { focus: () => value.select() },
  });
  const copied = el("span", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(key);
      fill(copied, t("keys.copied"));
    } catch {
      value.focus(); // it is marked then, for the keyboard to copy
      fill(copied, t("keys.copyYourself"));
    }
  };
  const button = el(
    "button",
    { class: "button primary", type: "button", on: { click: copy } },
    t("keys.copy"),
  );
  const element = el(
    "div",
    { class: "notice good stack tight" },
    el("p", {}, t("keys.once")),
    el("div", { class: "beside" }, value, button),
    copied,
  );
  return { element, focus: () => button.focus() };
}

function entry(key, act) {
  const facts = [
    t("keys.made", { since: moment(key.created_at) }),
    key.expires_at ? t("keys.until", { until: moment(key.expires_at) }) : t("keys.forever"),
    key.last_used_at ? t("keys.used", { used: moment(key.last_used_at) }) : t("keys.unused"),
  ];
  return el(
    "li",
    {},
    el(
      "div",
      {},
      el("strong", {}, key.name),
      " ",
      el("code", {}, `${key.prefix}…`),
      " ",
      key.scopes.map((scope) => [el("span", { class: "badge" }, t(`keys.scope.${scope}`)), " "]),
      el("p", { class: "hint small" }, facts.join(" · ")),
    ),
    confirming({
      label: t("keys.revoke"),
      name: key.name,
      sure: t("keys.really"),
      act,
    }),
  );
}
