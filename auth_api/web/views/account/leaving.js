// Deleting the account, with everything in it.

import { remove } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { field, form } from "../../modules/forms.js";
import { go } from "../../modules/router.js";
import { currentUser, ended, signOut } from "../../modules/session.js";
import { t } from "../../modules/strings.js";

/** The card; the username has to be typed, so that it is nobody's slip. */
export function leavingCard() {
  const username = field(t("leaving.type"), {
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
  });
  const send = async (values) => {
    if (values.username.trim() !== currentUser().username) {
      username.say(t("leaving.different"));
      username.input.focus();
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
      { class: "opener" },
      el("summary", {}, t("leaving.open")),
      el("p", {}, t("leaving.what")),
      form({ fields: { username }, submit: t("leaving.submit"), send, danger: true }),
    ),
  );
}
