// Sign in, and continue at the previous view.

import { el } from "../modules/dom.js";
import { form } from "../modules/forms.js";
import { currentUser, signIn } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { alternativeLink, goToDestination } from "./account/destination.js";
import { passwordField } from "./account/password-field.js";
import { usernameField } from "./account/username-field.js";

export default function view({ query }) {
  // Also runs after signing in, because the change of the user renders the view again.
  if (currentUser()) return goToDestination(query);
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
      el("p", {}, t("signIn.new"), " ", alternativeLink("/sign-up", t("nav.signUp"), query)),
    ),
  ];
}
