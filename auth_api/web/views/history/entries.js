// The entries of the history.

import { confirmButton } from "../../modules/actions.js";
import { characterName, glyph } from "../../modules/characters.js";
import { button, linkButton } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { moment, number, percent, t } from "../../modules/strings.js";

/**
 * A recognition. `picture` is of `privatePictures`; `classes` are all characters; `onDelete`
 * deletes the entry.
 */
export function recognition(entry, { picture, classes, onDelete }) {
  const digit = entry.model.name === "digits";
  const name = digit ? number(Number(entry.character)) : characterName(entry);
  return el(
    "li",
    { class: "card entry" },
    picture(entry.image, t("history.yours")),
    el(
      "div",
      { class: "stack tight" },
      el(
        "p",
        { class: "row" },
        digit ? null : glyph(entry.predicted_class),
        el("strong", {}, name),
        el("span", {}, percent(entry.confidence / 100, 1)),
      ),
      el("p", { class: "hint small" }, moment(entry.created_at)),
      feedbackBadge(entry, digit, classes),
    ),
    el("div", { class: "row actions" }, deleteButton(name, entry, onDelete)),
  );
}

/** A comparison. `onOpen` shows its pictures and feedback. */
export function comparison(entry, { picture, onOpen, onDelete }) {
  const name = characterName(entry);
  const details = button(t("history.details"), () => onOpen(entry));
  details.setAttribute(
    "aria-label",
    `${t("history.details")}: ${name}, ${moment(entry.created_at)}`,
  );
  return el(
    "li",
    { class: "card entry" },
    picture(entry.images.overlay, t("history.overlay")),
    el(
      "div",
      { class: "stack tight" },
      el(
        "p",
        { class: "row" },
        glyph(entry.compared_with_class),
        el("strong", {}, name),
        scoreBadge(entry),
      ),
      el("p", { class: "hint small" }, moment(entry.created_at)),
    ),
    el("div", { class: "row actions" }, details, deleteButton(name, entry, onDelete)),
  );
}

/** The score of a comparison. Its colour says whether it is the intended character. */
export function scoreBadge(entry) {
  const kind = entry.is_same_character ? "badge good" : "badge bad";
  return el(
    "span",
    { class: kind },
    t("history.score", { score: number(entry.score) }),
    entry.is_same_character ? null : ` · ${t("history.another")}`,
  );
}

function feedbackBadge(entry, digit, classes) {
  if (!entry.feedback) return null;
  const actual = entry.feedback.actual_class;
  if (actual === entry.predicted_class) {
    return el("p", { class: "small" }, el("span", { class: "badge good" }, t("history.right")));
  }
  return el(
    "p",
    { class: "small row" },
    el("span", { class: "badge bad" }, t("history.wrong")),
    digit ? number(actual) : [glyph(actual), characterName(classes[actual])],
  );
}

const deleteButton = (name, entry, onDelete) =>
  confirmButton({
    label: t("action.delete"),
    name: `${name}, ${moment(entry.created_at)}`,
    confirmLabel: t("history.really"),
    act: () => onDelete(entry),
    kind: "quiet",
  });

/** Shown in place of an empty list. */
export function emptyState(kind, filtered) {
  const way = kind === "compared" ? ["/practise", "nav.practise"] : ["/", "nav.recognise"];
  return el(
    "div",
    { class: "card stack nothing" },
    el("p", {}, t(filtered ? "history.noneOfThese" : `history.none.${kind}`)),
    el("p", {}, linkButton(t(way[1]), href(way[0]))),
  );
}
