// Deletes the account with all its data.

import { remove } from "../../modules/api.js";
import { card } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { form } from "../../modules/forms.js";
import { forgetAll } from "../../modules/outbox.js";
import { go } from "../../modules/router.js";
import { currentUser, markSignedOut, signOut } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { usernameField } from "./username-field.js";

/** The card. The user types the username to confirm. */
export function deletionCard() {
  const username = usernameField(t("leaving.type"), "off");
  const send = async (values) => {
    if (values.username.trim() !== currentUser().username) {
      username.setError(t("leaving.different"));
      username.control.focus();
      return;
    }
    await remove("/api/me/");
    await forgetAll();
    go("/");
    await signOut().catch(markSignedOut); // clears the cookie too, if the service is reachable
  };
  return card(
    t("leaving.title"),
    el(
      "details",
      {},
      el("summary", {}, t("leaving.open")),
      el("p", {}, t("leaving.what")),
      form({ fields: { username }, submit: t("leaving.submit"), send, kind: "danger" }),
    ),
  );
}
