// Worksheets: print a sheet, write on it, photograph it, and see every letter judged.

import { loadCharacters } from "../modules/characters.js";
import { button, card } from "../modules/components.js";
import { bringIntoView, el, fill } from "../modules/dom.js";
import { pictureInputs } from "../modules/pictures.js";
import { href } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { loadStrings, t } from "../modules/strings.js";
import { entryList } from "./worksheets/entry-list.js";
import { currentJudging } from "./worksheets/judging.js";
import { nextSheet } from "./worksheets/next-sheet.js";
import { photographs } from "./worksheets/photographs.js";
import { printCard } from "./worksheets/print.js";
import { sheetCard } from "./worksheets/sheet.js";
import { cellsWith, summary } from "./worksheets/verdicts.js";

export default async function view({ query, signal }) {
  const [characters] = await Promise.all([
    loadCharacters(),
    ...["feedback", "practise"].map(loadStrings),
  ]);
  const judging = currentJudging();
  const announcement = el("p", { class: "visually-hidden", role: "status" });
  const sheets = judgedSheets(judging, characters, signal);
  let isFirst = true; // of the pictures chosen together: it is shown, and nobody is taken from it
  const onJudged = ({ detail: entry }) => {
    fill(announcement, summary(entry.sheet.cells));
    if (isFirst) sheets.show(entry);
    isFirst = false;
  };
  const onPictures = (files) => {
    isFirst = true;
    judging.add(files);
  };
  judging.addEventListener("judged", onJudged, { signal });
  return [
    el("h1", {}, t("worksheets.title")),
    el("p", { class: "hint lead" }, t("worksheets.what")),
    announcement,
    el(
      "div",
      { class: "two" },
      printCard(query, characters),
      photographCard(judging, onPictures, signal),
    ),
    sheets.element,
  ];
}

function photographCard(judging, onPictures, signal) {
  const errors = el("div", {});
  const onChosen = (files) => {
    fill(errors);
    onPictures(files);
  };
  const onError = (message) =>
    fill(errors, el("p", { class: "notice error", role: "alert" }, message));
  const inputs = pictureInputs({
    several: true,
    cameraTitle: t("worksheets.camera"),
    onPictures: onChosen,
    onError,
    signal,
  });
  return card(
    t("worksheets.photograph"),
    el("p", {}, t("worksheets.photograph.how")),
    el("div", { class: "row" }, inputs),
    el("p", { class: "hint small" }, t("recognise.drop")),
    currentUser() ? null : signInHint(),
    errors,
    photographs(judging, signal),
  );
}

function signInHint() {
  const link = el("a", { href: href("/sign-in", { next: "/worksheets" }) }, t("nav.signIn"));
  return el("p", { class: "hint small" }, link, " ", t("practise.trend.signIn"));
}

/** The judged sheets, the latest last, and below them what all of them say together. */
function judgedSheets(judging, characters, signal) {
  const list = el("div", { class: "stack" });
  const below = el("div", {});
  const element = el("div", { class: "stack judged-sheets" }, list, below);
  const showAll = entryList(list, ({ sheet }) => sheetCard(sheet, characters, signal));
  let cards = new Map();
  const update = () => {
    element.classList.toggle("used", judging.entries.length > 0);
    const judged = judging.entries.filter(({ sheet }) => sheet);
    if (judged.length === cards.size && judged.every((entry) => cards.has(entry))) return;
    cards = showAll(judged);
    fill(below, judged.length ? foot(judged, judging) : null);
  };
  judging.addEventListener("change", update, { signal });
  update();
  return { element, show: (entry) => bringIntoView(cards.get(entry), "start") };
}

function foot(judged, judging) {
  const clear = button(t("worksheets.clear"), () => judging.clear());
  const cells = judged.flatMap(({ sheet }) => sheet.cells);
  if (judged.length === 1 || !cellsWith(cells, "judged").length) return el("p", {}, clear);
  return card(
    t("worksheets.together", { count: judged.length }),
    el("p", {}, summary(cells)),
    nextSheet(cells, judged.at(-1).sheet),
    el("p", {}, clear),
  );
}
