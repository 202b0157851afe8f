// The view after signing in.

import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

/** The path in `query.next` if it is a view of the page; otherwise practising. */
export function destination({ next }) {
  return next?.startsWith("/") && !next.startsWith("//") ? next : "/practise";
}

/** Goes to the destination. Back does not return to the form. */
export function goToDestination(query) {
  location.replace(`#${destination(query)}`);
  return [el("h1", {}, t("signIn.title")), el("p", { class: "loading" }, t("state.loading"))];
}

/** A link to the other form (sign-in or sign-up), with the same destination. */
export const alternativeLink = (path, text, { next }) =>
  el("a", { href: href(path, { next }) }, text);
