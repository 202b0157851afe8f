// The totals of a learner, as tiles.

import { el } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

/** The tiles: streak and totals. */
export function summary({ streak, totals, characters }) {
  const today = el(
    "span",
    { class: streak.today ? "badge good" : "badge" },
    t(streak.today ? "progress.today" : "progress.notToday"),
  );
  return el(
    "dl",
    { class: "tiles" },
    tile(
      t("progress.streak", { count: streak.current }),
      number(streak.current),
      today,
      t("progress.longest", { count: streak.longest }),
    ),
    tile(t("progress.attempts"), number(totals.attempts)),
    tile(
      t("progress.tried"),
      t("progress.of", { some: totals.characters_tried, all: characters.length }),
    ),
    tile(t("progress.mastered"), number(totals.characters_mastered), t("progress.masteredIs")),
    tile(t("progress.mastery"), percent(totals.mastery / 100), t("progress.masteryIs")),
    tile(t("progress.due"), number(totals.due)),
  );
}

function tile(name, figure, ...more) {
  return el(
    "div",
    { class: "card tile" },
    el("dt", {}, name),
    el("dd", { class: "figure" }, figure),
    more.map((each) => el("dd", { class: "hint small" }, each)),
  );
}
