// Makes accounts and changes them, each in a dialogue of its own.

import { confirming } from "../../modules/actions.js";
import { post, put } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { field, form, select } from "../../modules/forms.js";
import { tool } from "../../modules/pad-tools.js";
import { currentUser, refreshUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";

export const ROLES = ["user", "analyst", "data-scientist", "ml-engineer", "admin"];
const TAKEN = { username_taken: "username", email_taken: "email" };

/** Asks for a new account; `created` is told of it. */
export function newUser(created) {
  const fields = {
    ...accountFields({ username: "", email: "", role: "user" }),
    password: passwordField(t("users.password"), t("users.password.hint"), true),
  };
  dialogue(t("users.new"), (close) => {
    const send = async (values) => {
      const user = await post("/api/admin/users/", trimmed(values));
      close();
      await created(user);
    };
    const beside = tool(t("action.cancel"), close);
    return form({ fields, submit: t("users.create"), send, codes: TAKEN, beside });
  });
}

/** Asks what to change of `user`; `changed` is told what has become of it. */
export function changeUser(user, changed) {
  const fields = {
    ...accountFields(user),
    password: passwordField(t("users.newPassword"), t("users.newPassword.hint"), false),
  };
  dialogue(t("users.changeOf", { name: user.username }), (close) => {
    const save = async (asked) => {
      const after = await put(`/api/admin/users/${user.id}/`, asked);
      close();
      changed(after);
      if (user.id === currentUser().id) await refreshUser();
    };
    const send = (values) => save(changesOf(values, user));
    const beside = tool(t("action.cancel"), close);
    return [
      form({ fields, submit: t("action.save"), send, codes: TAKEN, beside }),
      el("hr", {}),
      user.active
        ? confirming({
            label: t("users.lock"),
            name: user.username,
            why: t("users.lock.sure"),
            kind: "danger",
            act: () => save({ active: false }),
          })
        : confirming({
            label: t("users.open"),
            name: user.username,
            why: t("users.open.sure"),
            sureKind: "primary",
            act: () => save({ active: true }),
          }),
    ];
  });
}

function accountFields({ username, email, role }) {
  const text = { required: true, autocomplete: "off", spellcheck: "false", maxlength: 254 };
  const roles = ROLES.map((each) => [each, t(`role.${each}`)]);
  return {
    username: field(t("users.name"), el("input", { value: username, ...text }), {
      hint: t("users.name.hint"),
    }),
    email: field(t("users.email"), el("input", { type: "email", value: email, ...text })),
    role: field(t("users.role"), select(roles, role)),
  };
}

function passwordField(label, hint, required) {
  const autocomplete = "new-password";
  const control = el("input", { type: "password", autocomplete, maxlength: 1024, required });
  return field(label, control, { hint });
}

const trimmed = ({ username, email, ...others }) => ({
  username: username.trim(),
  email: email.trim(),
  ...others,
});

const changesOf = (values, user) =>
  Object.fromEntries(
    Object.entries(trimmed(values)).filter(([name, value]) => value && value !== user[name]),
  );

function dialogue(title, content) {
  const heading = el("h2", { id: "dialogue-title" }, title);
  const dialog = el("dialog", { class: "stack", "aria-labelledby": "dialogue-title" });
  const close = () => dialog.close();
  dialog.append(heading, ...[content(close)].flat());
  dialog.addEventListener("close", () => dialog.remove());
  addEventListener("hashchange", close, { once: true });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input").focus();
}
