// Make an account, and be signed in.

import { post } from "../modules/api.js";
import { el } from "../modules/dom.js";
import { checkbox, field, form } from "../modules/forms.js";
import { go } from "../modules/router.js";
import { currentUser, signIn } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { insteadTo, moveOn } from "./account/destination.js";
import { passwordField } from "./account/password.js";
import { usernameField } from "./account/username.js";

export default function view({ query, signal }) {
  if (currentUser()) return moveOn(query);
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
    } catch (problem) {
      if (signal.aborted) throw problem;
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
      el("p", {}, t("signUp.known"), " ", insteadTo("/sign-in", t("nav.signIn"), query)),
    ),
  ];
}

/** Days are counted in the browser's time zone, as far as the service knows it. */
async function signUp(account) {
  const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    await post("/api/signup/", { ...account, timezone });
  } catch (problem) {
    const fields = Object.keys(problem.details?.fields ?? {});
    if (fields.length !== 1 || fields[0] !== "timezone") throw problem;
    await post("/api/signup/", account);
  }
}
