// Makes accounts and changes them, each in a dialogue of its own.

import { post, put } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { currentUser, refreshUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { askedAction, field, form, select } from "../operate/forms.js";

export const ROLES = ["user", "analyst", "data-scientist", "ml-engineer", "admin"];

/** Asks for a new account; `created` is told of it. */
export function newUser(created) {
  const controls = accountControls({ username: "", email: "", role: "user" });
  const password = passwordControl({ required: true });
  dialogue(t("users.new"), (close) => {
    const send = async () => {
      const asked = { ...valuesOf(controls), password: password.value };
      const user = await post("/api/admin/users/", asked);
      close();
      await created(user);
    };
    return form(
      { submit: t("users.create"), send, beside: tool(t("action.cancel"), close) },
      accountFields(controls),
      field(t("users.password"), password, t("users.password.hint")),
    );
  });
}

/** Asks what to change of `user`; `changed` is told what has become of it. */
export function changeUser(user, changed) {
  const controls = accountControls(user);
  const password = passwordControl({});
  const path = `/api/admin/users/${user.id}/`;
  const said = el("div", {});
  dialogue(t("users.changeOf", { name: user.username }), (close) => {
    const save = async (asked) => {
      const after = await put(path, asked);
      close();
      changed(after);
      if (user.id === currentUser().id) await refreshUser();
    };
    const send = () => {
      const asked = changesOf(controls, user);
      if (password.value) asked.password = password.value;
      return save(asked);
    };
    const lock = () => save({ active: false });
    const open = () => save({ active: true });
    return [
      form(
        { submit: t("action.save"), send, beside: tool(t("action.cancel"), close) },
        accountFields(controls),
        field(t("users.newPassword"), password, t("users.newPassword.hint")),
      ),
      el("hr", {}),
      user.active
        ? askedAction(t("users.lock"), t("users.lock.sure"), lock, said, "danger")
        : askedAction(t("users.open"), t("users.open.sure"), open, said),
      said,
    ];
  });
}

function accountControls({ username, email, role }) {
  const text = { required: true, autocomplete: "off", spellcheck: "false", maxlength: 254 };
  return {
    username: el("input", { name: "username", value: username, ...text }),
    email: el("input", { name: "email", type: "email", value: email, ...text }),
    role: select(
      "role",
      ROLES.map((each) => [each, t(`role.${each}`)]),
      role,
    ),
  };
}

const accountFields = ({ username, email, role }) => [
  field(t("users.name"), username, t("users.name.hint")),
  field(t("users.email"), email),
  field(t("users.role"), role),
];

const passwordControl = (properties) =>
  el("input", {
    name: "password",
    type: "password",
    autocomplete: "new-password",
    minlength: 8,
    maxlength: 128,
    ...properties,
  });

const valuesOf = (controls) =>
  Object.fromEntries(
    Object.entries(controls).map(([name, control]) => [name, control.value.trim()]),
  );

const changesOf = (controls, user) =>
  Object.fromEntries(
    Object.entries(valuesOf(controls)).filter(([name, value]) => value !== user[name]),
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
