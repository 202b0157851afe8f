// Deleting the account, with everything in it.

import { remove } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { form } from "../../modules/forms.js";
import { go } from "../../modules/router.js";
import { currentUser, ended, signOut } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { usernameField } from "./username.js";

/** The card; the username has to be typed, so that it is nobody's slip. */
export function leavingCard() {
  const username = usernameField(t("leaving.type"), "off");
  const send = async (values) => {
    if (values.username.trim() !== currentUser().username) {
      username.say(t("leaving.different"));
      username.control.focus();
      return;
    }
    await remove("/api/me/");
    go("/");
    await signOut().catch(ended); // the cookie goes as well, if the service can still be asked
  };
  return el(
    "section",
    { class: "card stack" },
    el("h2", {}, t("leaving.title")),
    el(
      "details",
      {},
      el("summary", {}, t("leaving.open")),
      el("p", {}, t("leaving.what")),
      form({ fields: { username }, submit: t("leaving.submit"), send, kind: "danger" }),
    ),
  );
}
