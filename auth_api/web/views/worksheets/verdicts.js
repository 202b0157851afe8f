// What is said of the cells of sheets, in words and in order.

import { t } from "../../modules/strings.js";
import { ratingOf } from "../practise/ratings.js";

/** All verdicts on a cell, in the order of the legend. */
export const VERDICTS = ["right", "improve", "wrong", "empty", "unreadable"];

/** The sign of each verdict, which tells them apart without colours. */
export const SIGNS = { right: "✓", improve: "~", wrong: "×", empty: "", unreadable: "?" };

/** The verdict on a cell of `/api/worksheets/judge/`. */
export function verdictOf({ state, comparison }) {
  if (state !== "judged") return state;
  if (!comparison.is_same_character) return "wrong";
  return ["easy", "good"].includes(ratingOf(comparison.score)) ? "right" : "improve";
}

/** The cells of a state. */
export const cellsWith = (cells, state) => cells.filter((cell) => cell.state === state);

/** All cells in one sentence or two. */
export function summary(cells) {
  const judged = cellsWith(cells, "judged");
  const right = judged.filter((cell) => verdictOf(cell) === "right").length;
  const unreadable = cellsWith(cells, "unreadable").length;
  return [
    judged.length
      ? t("worksheets.judged", { count: judged.length, right })
      : t("worksheets.nothing"),
    unreadable ? t("worksheets.unreadable", { count: unreadable }) : null,
  ]
    .filter(Boolean)
    .join(" ");
}

/** `{class, character, name, score}` of each written character, the weakest first: its mean mark. */
export function ranked(cells) {
  const byClass = Map.groupBy(cellsWith(cells, "judged"), (cell) => cell.class);
  return [...byClass.values()]
    .map((own) => {
      const total = own.reduce((sum, { comparison }) => sum + comparison.score, 0);
      const { class: index, character, name } = own[0];
      return { class: index, character, name, score: Math.round(total / own.length) };
    })
    .sort((one, other) => one.score - other.score);
}
