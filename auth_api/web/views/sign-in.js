// Sign in, and go on where one was.

import { el } from "../modules/dom.js";
import { form } from "../modules/forms.js";
import { currentUser, signIn } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { insteadTo, moveOn } from "./account/destination.js";
import { passwordField } from "./account/password.js";
import { usernameField } from "./account/username.js";

export default function view({ query }) {
  // Also after signing in: who is signed in has changed then, and the view is shown anew.
  if (currentUser()) return moveOn(query);
  const fields = {
    username: usernameField(t("signIn.name"), "username"),
    password: passwordField(t("signIn.password"), "current-password"),
  };
  const send = ({ username, password }) => signIn(username.trim(), password);
  return [
    el("h1", { class: "narrow" }, t("signIn.title")),
    el(
      "section",
      { class: "card narrow stack" },
      query.expired ? el("p", { class: "notice", role: "status" }, t("signIn.expired")) : null,
      query.made ? el("p", { class: "notice good", role: "status" }, t("signIn.made")) : null,
      form({ fields, submit: t("nav.signIn"), send }),
      el("p", {}, t("signIn.new"), " ", insteadTo("/sign-up", t("nav.signUp"), query)),
    ),
  ];
}
