// Where one goes on after signing in.

import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

/** The view that `query.next` names if it is one of ours, else practising. */
export function destination({ next }) {
  return next?.startsWith("/") && !next.startsWith("//") ? next : "/practise";
}

/** Goes there; going back does not lead to a form that has done its work. */
export function moveOn(query) {
  location.replace(`#${destination(query)}`);
  return [el("h1", {}, t("signIn.title")), el("p", { class: "loading" }, t("state.loading"))];
}

/** A link to the form beside this one, which leads on to the same place. */
export const insteadTo = (path, text, { next }) => el("a", { href: href(path, { next }) }, text);
