// Dialogs to create and to change an account.

import { confirmButton } from "../../modules/actions.js";
import { post, put } from "../../modules/api.js";
import { button } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { field, form, select } from "../../modules/forms.js";
import { currentUser, refreshUser, ROLES } from "../../modules/session.js";
import { t } from "../../modules/strings.js";

const TAKEN = { username_taken: "username", email_taken: "email" };

/** Opens a dialog for a new account. Calls `onCreated(user)`. */
export function newUser(onCreated) {
  const fields = {
    ...accountFields({ username: "", email: "", role: "user" }),
    password: passwordField(t("users.password"), t("users.password.hint"), true),
  };
  openDialog(t("users.new"), (close) => {
    const send = async (values) => {
      const user = await post("/api/admin/users/", trimmed(values));
      close();
      await onCreated(user);
    };
    const beside = button(t("action.cancel"), close);
    return form({ fields, submit: t("users.create"), send, codes: TAKEN, beside });
  });
}

/** Opens a dialog to change `user`. Calls `onChanged(user)` with the changed one. */
export function changeUser(user, onChanged) {
  const fields = {
    ...accountFields(user),
    password: passwordField(t("users.newPassword"), t("users.newPassword.hint"), false),
  };
  openDialog(t("users.changeOf", { name: user.username }), (close) => {
    const save = async (changes) => {
      const after = await put(`/api/admin/users/${user.id}/`, changes);
      close();
      onChanged(after);
      if (user.id === currentUser().id) await refreshUser();
    };
    const send = (values) => save(changesOf(values, user));
    const beside = button(t("action.cancel"), close);
    return [
      form({ fields, submit: t("action.save"), send, codes: TAKEN, beside }),
      el("hr", {}),
      user.active
        ? confirmButton({
            label: t("users.lock"),
            name: user.username,
            why: t("users.lock.sure"),
            kind: "danger",
            act: () => save({ active: false }),
          })
        : confirmButton({
            label: t("users.open"),
            name: user.username,
            why: t("users.open.sure"),
            confirmKind: "primary",
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

function openDialog(title, content) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const dialog = el("dialog", { class: "stack", "aria-labelledby": "dialog-title" });
  const close = () => dialog.close();
  dialog.append(heading, ...[content(close)].flat());
  dialog.addEventListener("close", () => dialog.remove());
  addEventListener("hashchange", close, { once: true });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input").focus();
}
