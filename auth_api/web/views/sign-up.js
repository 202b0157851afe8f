// Create an account and sign in.

import { post } from "../modules/api.js";
import { el } from "../modules/dom.js";
import { checkbox, field, form } from "../modules/forms.js";
import { go } from "../modules/router.js";
import { currentUser, signIn } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { alternativeLink, goToDestination } from "./account/destination.js";
import { passwordField } from "./account/password-field.js";
import { usernameField } from "./account/username-field.js";

export default function view({ query, signal }) {
  if (currentUser()) return goToDestination(query);
  const fields = {
    username: usernameField(t("signUp.username"), "username", { hint: t("signUp.username.rules") }),
    email: field(
      t("signUp.email"),
      el("input", { type: "email", autocomplete: "email", maxlength: 254, required: true }),
    ),
    password: passwordField(t("signUp.password"), "new-password", t("signUp.password.rules")),
    training_consent: checkbox(t("consent.label"), false, t("consent.why")),
  };
  const send = async (values) => {
    const account = { ...values, username: values.username.trim(), email: values.email.trim() };
    await signUp(account);
    try {
      await signIn(account.username, account.password);
    } catch (error) {
      if (signal.aborted) throw error;
      go("/sign-in", { made: "yes", next: query.next ?? null });
    }
  };
  const codes = { username_taken: "username", email_taken: "email" };
  return [
    el("h1", { class: "narrow" }, t("signUp.title")),
    el(
      "section",
      { class: "card narrow stack" },
      el("p", {}, t("signUp.why")),
      form({ fields, submit: t("nav.signUp"), send, codes }),
      el("p", {}, t("signUp.known"), " ", alternativeLink("/sign-in", t("nav.signIn"), query)),
    ),
  ];
}

/** Creates the account with the browser's time zone, if the service accepts it. */
async function signUp(account) {
  const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    await post("/api/signup/", { ...account, timezone });
  } catch (error) {
    const fields = Object.keys(error.details?.fields ?? {});
    if (fields.length !== 1 || fields[0] !== "timezone") throw error;
    await post("/api/signup/", account);
  }
}
