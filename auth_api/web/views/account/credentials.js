// Changes the username and the password.

import { post } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { form } from "../../modules/forms.js";
import { refreshUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { passwordField } from "./password-field.js";
import { usernameField } from "./username-field.js";

/** The form for a new username. */
export function usernameForm(me) {
  const hint = t("signUp.username.rules");
  const username = usernameField(t("username.new"), "off", { value: me.username, hint });
  const send = async (values) => {
    await post("/api/change-username/", { new_username: values.new_username.trim() });
    await refreshUser();
    // The view is not rendered again, so that typed values in other forms are kept.
    document.querySelector(".username").textContent = values.new_username.trim();
    return t("username.done");
  };
  return form({
    fields: { new_username: username },
    submit: t("username.submit"),
    send,
    codes: { username_taken: "new_username" },
  });
}

/** The form for a new password. */
export function passwordForm(me) {
  const fields = {
    old_password: passwordField(t("password.old"), "current-password"),
    new_password: passwordField(t("password.new"), "new-password", t("signUp.password.rules")),
  };
  const send = async (values) => {
    await post("/api/change-password/", values);
    for (const { control } of Object.values(fields)) control.value = "";
    return t("password.done");
  };
  // Password managers need the username.
  const accountName = el("input", { name: "username", autocomplete: "username", hidden: true });
  accountName.value = me.username;
  return form(
    { fields, submit: t("password.submit"), send, codes: { wrong_password: "old_password" } },
    el("p", { class: "hint" }, t("password.others")),
    accountName,
    Object.values(fields).map(({ element }) => element),
  );
}
