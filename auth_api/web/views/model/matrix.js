// What was read as what.

import { el } from "../../modules/dom.js";
import { card } from "../../modules/parts.js";
import { number, percent, t } from "../../modules/strings.js";

const MOST_CONFUSED = 8;

/** The card of an answer of `.../confusion-matrix/`; `names` as in figures.js. */
export function matrix({ matrix: counts }, names, picture) {
  const title = t("matrix.title");
  return card(
    title,
    el("p", { class: "hint" }, t("matrix.what")),
    confused(counts, names),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      el(
        "table",
        { class: "matrix" },
        el("caption", { class: "visually-hidden" }, t("matrix.what")),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td", {}),
            names.map((name) => el("th", { scope: "col" }, name.short)),
          ),
        ),
        el(
          "tbody",
          {},
          counts.map((row, written) => rowOf(row, written, names)),
        ),
      ),
    ),
    picture,
  );
}

function rowOf(row, written, names) {
  const all = row.reduce((sum, count) => sum + count, 0);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, names[written].short),
    row.map((count, read) => {
      if (!count) return el("td", {});
      const title = t("matrix.cell", {
        count,
        written: names[written].long,
        read: names[read].long,
      });
      const kind = written === read ? "right" : "wrong";
      return el("td", { class: kind, title, style: { "--share": count / all } }, number(count));
    }),
  );
}

/** The pairs that were confused most often, in words. */
function confused(counts, names) {
  const pairs = counts
    .flatMap((row, written) => {
      const all = row.reduce((sum, count) => sum + count, 0);
      return row.map((count, read) => ({ count, written, read, share: count / all }));
    })
    .filter(({ count, written, read }) => count && written !== read)
    .sort((one, other) => other.count - one.count)
    .slice(0, MOST_CONFUSED);
  if (!pairs.length) return el("p", { class: "notice good" }, t("matrix.noMistake"));
  return el(
    "ul",
    { class: "pairs", "aria-label": t("matrix.most") },
    pairs.map(({ count, written, read, share }) =>
      el(
        "li",
        {},
        t("matrix.pair", {
          written: names[written].long,
          read: names[read].long,
          count,
          share: percent(share),
        }),
      ),
    ),
  );
}
