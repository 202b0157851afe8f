// The confusion matrix of a model.

import { card } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

const MAX_PAIRS = 8;

/** The card for a response of `.../confusion-matrix/`. `names` are those of figures.js. */
export function confusionMatrixCard({ matrix: counts }, names, picture) {
  const title = t("matrix.title");
  const known = names.slice(0, counts.length); // an older version knows fewer characters
  return card(
    title,
    el("p", { class: "hint" }, t("matrix.what")),
    confused(counts, names),
    el(
      "div",
      { class: "scroll matrix-frame", tabindex: "0", role: "region", "aria-label": title },
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
            known.map((name) => el("th", { scope: "col" }, name.short)),
          ),
        ),
        el(
          "tbody",
          {},
          counts.map((row, actual) => rowOf(row, actual, names)),
        ),
      ),
    ),
    picture,
  );
}

function rowOf(row, actual, names) {
  const total = row.reduce((sum, count) => sum + count, 0);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, names[actual].short),
    row.map((count, predicted) => {
      if (!count) return el("td", {});
      const title = t("matrix.cell", {
        count,
        written: names[actual].long,
        read: names[predicted].long,
      });
      const kind = actual === predicted ? "right" : "wrong";
      return el("td", { class: kind, title, style: { "--share": count / total } }, number(count));
    }),
  );
}

/** The most frequent confusions in words. */
function confused(counts, names) {
  const pairs = counts
    .flatMap((row, actual) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      return row.map((count, predicted) => ({ count, actual, predicted, share: count / total }));
    })
    .filter(({ count, actual, predicted }) => count && actual !== predicted)
    .sort((one, other) => other.count - one.count)
    .slice(0, MAX_PAIRS);
  if (!pairs.length) return el("p", { class: "notice good" }, t("matrix.noMistake"));
  return el(
    "ul",
    { class: "pairs", "aria-label": t("matrix.most") },
    pairs.map(({ count, actual, predicted, share }) =>
      el(
        "li",
        {},
        t("matrix.pair", {
          written: names[actual].long,
          read: names[predicted].long,
          count,
          share: percent(share),
        }),
      ),
    ),
  );
}
