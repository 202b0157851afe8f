// A poster of all letters: those that the learner wrote are in their own hand.

import { get } from "../modules/api.js";
import { loadCharacters } from "../modules/characters.js";
import { linkButton } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { keepsake } from "../modules/keepsake.js";
import { href } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { day, loadStrings, t } from "../modules/strings.js";
import { loadInks } from "./poster/inks.js";
import { posterPicture } from "./poster/picture.js";

export default async function view({ signal }) {
  const [characters, { results }] = await Promise.all([
    loadCharacters(),
    get("/api/history/similarities/best/", {}, { signal }),
    loadStrings("practise"), // names of the families
  ]);
  const inks = await loadInks(characters, results, signal);
  const count = inks.filter(({ isOwn }) => isOwn).length;
  const values = { name: currentUser().username, count, all: characters.length };
  const now = new Date();
  const picture = posterPicture(characters, inks, {
    title: t("poster.by", values),
    line: `${t("poster.count", values)} · ${day(now)}`,
  });
  return [
    el("h1", {}, t("poster.title")),
    el(
      "div",
      { class: "stack" },
      el("p", { class: "no-print" }, t("poster.what")),
      keepsake(t("poster.card"), picture, t("poster.picture", values), fileName(now)),
      el("p", { class: "no-print" }, linkButton(t("nav.practise"), href("/practise"))),
    ),
  ];
}

const fileName = (now) => `ranjana-${now.toISOString().slice(0, 10)}.png`;
