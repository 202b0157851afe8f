// What one entry of the history looks like.

import { confirming } from "../../modules/actions.js";
import { called, glyph } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { moment, number, percent, t } from "../../modules/strings.js";

/**
 * A recognition; `picture` as of `privatePictures`, `classes` the 36 characters, `drop` deletes it.
 */
export function recognition(entry, { picture, classes, drop }) {
  const digit = entry.model.name === "digits";
  const name = digit ? number(Number(entry.character)) : called(entry);
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
      judged(entry, digit, classes),
    ),
    el("div", { class: "row actions" }, deletion(name, entry, drop)),
  );
}

/** A comparison; `open` shows it with its three pictures and sentences. */
export function comparison(entry, { picture, open, drop }) {
  const name = called(entry);
  const details = () => open(entry);
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
        score(entry),
      ),
      el("p", { class: "hint small" }, moment(entry.created_at)),
    ),
    el(
      "div",
      { class: "row actions" },
      el(
        "button",
        {
          class: "button",
          type: "button",
          "aria-label": `${t("history.details")}: ${name}, ${moment(entry.created_at)}`,
          on: { click: details },
        },
        t("history.details"),
      ),
      deletion(name, entry, drop),
    ),
  );
}

/** The score of a comparison, marked by whether it was the character that was meant. */
export function score(entry) {
  const kind = entry.is_same_character ? "badge good" : "badge bad";
  return el(
    "span",
    { class: kind },
    t("history.score", { score: number(entry.similarity_score) }),
    entry.is_same_character ? null : ` · ${t("history.another")}`,
  );
}

function judged(entry, digit, classes) {
  if (!entry.feedback) return null;
  const actual = entry.feedback.actual_class;
  if (actual === entry.predicted_class) {
    return el("p", { class: "small" }, el("span", { class: "badge good" }, t("history.right")));
  }
  return el(
    "p",
    { class: "small row" },
    el("span", { class: "badge bad" }, t("history.wrong")),
    digit ? number(actual) : [glyph(actual), called(classes[actual])],
  );
}

const deletion = (name, entry, drop) =>
  confirming({
    label: t("action.delete"),
    name: `${name}, ${moment(entry.created_at)}`,
    sure: t("history.really"),
    act: () => drop(entry),
    kind: "quiet",
  });

/** What stands where there is nothing. */
export function nothing(kind, filtered) {
  const way = kind === "compared" ? ["/practise", "nav.practise"] : ["/", "nav.recognise"];
  return el(
    "div",
    { class: "card stack nothing" },
    el("p", {}, t(filtered ? "history.noneOfThese" : `history.none.${kind}`)),
    el("p", {}, el("a", { class: "button", href: href(way[0]) }, t(way[1]))),
  );
}
