// A dialog with one comparison: its three pictures, the feedback, and a link to try again.

import { characterName } from "../../modules/characters.js";
import { button, linkButton } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { moment, t } from "../../modules/strings.js";
import { sentencesOf } from "../practise/feedback.js";
import { scoreBadge } from "./entries.js";

/** Opens the dialog. It also closes when `signal` aborts. */
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
      el("h2", { id: "comparison-title" }, characterName(entry)),
      el("p", { class: "row" }, scoreBadge(entry), el("span", { class: "hint" }, summary(entry))),
      el("div", { class: "pictures" }, pictures),
      el("ul", {}, feedbackItems(entry)),
      el(
        "p",
        { class: "row" },
        linkButton(t("history.again"), href(`/practise/${entry.compared_with_class}`), "primary"),
        button(t("action.close"), () => dialog.close()),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The feedback. Entries from before there were faults have it in English only. */
function feedbackItems(entry) {
  if (!entry.faults) return entry.feedback.map((text) => el("li", { lang: "en" }, text));
  return sentencesOf(entry).map(({ text }) => el("li", {}, text));
}

const summary = (entry) =>
  [moment(entry.created_at), t(`history.strictness.${entry.strictness}`)].join(" · ");
