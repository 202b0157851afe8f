// API keys, for the user's own programs.

import { confirmButton } from "../../modules/actions.js";
import { get, post, remove } from "../../modules/api.js";
import { button } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { checkbox, field, form, select } from "../../modules/forms.js";
import { moment, t } from "../../modules/strings.js";

// Lifetimes to choose from, in days. The service accepts up to ten years.
const LIFETIMES = [30, 90, 365];
const SCOPES = ["predict", "history"];

/** The card with all API keys, and the form for a new one. */
export function keysCard(keys, signal) {
  const list = el("ul", { class: "entries" });
  const heading = el("h2", { tabindex: "-1" }, t("keys.title"));
  const status = el("p", { class: "hint status", role: "status" });
  const newKey = el("div", {});
  const show = (results) =>
    fill(
      list,
      results.map((key) => entry(key, () => revoke(key))),
    );
  const reload = async () => show((await get("/api/api-keys/", {}, { signal })).results);
  const revoke = async (key) => {
    await remove(`/api/api-keys/${key.id}/`, { signal });
    fill(newKey);
    await reload();
    fill(status, t("keys.revoked", { name: key.name }));
    heading.focus();
  };
  const onCreated = async (key) => {
    const { element, focus } = newKeyNotice(key);
    fill(newKey, element);
    fill(status);
    focus();
    await reload();
  };
  show(keys);
  return el(
    "section",
    { class: "card stack" },
    heading,
    el("p", { class: "hint" }, t("keys.what"), " ", el("a", { href: "/docs" }, t("keys.docs"))),
    newKey,
    list,
    status,
    el("details", {}, el("summary", {}, t("keys.make")), keyForm(onCreated)),
  );
}

function keyForm(onCreated) {
  const lifetimes = LIFETIMES.map((days) => [String(days), t("keys.days", { count: days })]);
  const lifetime = select([["", t("keys.forever")], ...lifetimes], String(LIFETIMES[1]));
  const fields = {
    name: field(
      t("keys.name"),
      el("input", { maxlength: 64, autocomplete: "off", required: true }),
      { hint: t("keys.name.why") },
    ),
    predict: checkbox(t("keys.scope.predict"), true),
    history: checkbox(t("keys.scope.history"), false),
    expires_in_days: field(t("keys.life"), lifetime),
  };
  const send = async ({ name, expires_in_days: days, ...chosen }) => {
    const scopes = SCOPES.filter((scope) => chosen[scope]);
    if (!scopes.length) {
      fields.predict.setError(t("keys.scope.missing"));
      fields.predict.control.focus();
      return;
    }
    const body = { name: name.trim(), scopes, expires_in_days: Number(days) || null };
    const key = await post("/api/api-keys/", body);
    fields.name.control.value = "";
    await onCreated(key);
  };
  return form({ fields, submit: t("keys.submit"), send });
}

/** A new key, which is shown only once. */
function newKeyNotice({ key, name }) {
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
      value.focus(); // the focus selects it, so that the user can copy it
      fill(copied, t("keys.copyYourself"));
    }
  };
  const copyButton = button(t("keys.copy"), copy, "primary");
  const element = el(
    "div",
    { class: "notice good stack tight" },
    el("p", {}, t("keys.once")),
    el("div", { class: "beside" }, value, copyButton),
    copied,
  );
  return { element, focus: () => copyButton.focus() };
}

function entry(key, onRevoke) {
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
    confirmButton({
      label: t("keys.revoke"),
      name: key.name,
      confirmLabel: t("keys.really"),
      act: onRevoke,
    }),
  );
}
