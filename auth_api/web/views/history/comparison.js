// One comparison in a dialog: its three pictures, what was said of it, and the way to try again.

import { called } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { href } from "../../modules/router.js";
import { moment, t } from "../../modules/strings.js";
import { inOwnLanguage } from "../practise/sentences.js";
import { score } from "./entries.js";

/** Opens it; it closes when the view is left, too. */
export function openComparison(entry, picture, signal) {
  const pictures = ["user", "reference", "overlay"].map((kind) =>
    el(
      "figure",
      {},
      picture(entry.images[kind], t(`history.${kind}`)),
      el("figcaption", { class: "small", "aria-hidden": "true" }, t(`history.${kind}`)),
    ),
  );
  const dialog = el(
    "dialog",
    { class: "comparison", "aria-labelledby": "comparison-title" },
    el(
      "div",
      { class: "stack" },
      el("h2", { id: "comparison-title" }, called(entry)),
      el("p", { class: "row" }, score(entry), el("span", { class: "hint" }, said(entry))),
      el("div", { class: "pictures" }, pictures),
      el("ul", {}, entry.feedback.map(sentence)),
      el(
        "p",
        { class: "row" },
        el(
          "a",
          { class: "button primary", href: href(`/practise/${entry.compared_with_class}`) },
          t("history.again"),
        ),
        tool(t("action.close"), () => dialog.close()),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function sentence(said) {
  const own = inOwnLanguage(said);
  return el("li", { lang: own === said ? "en" : null }, own);
}

const said = (entry) =>
  [moment(entry.created_at), t(`history.strictness.${entry.strictness}`)].join(" · ");
