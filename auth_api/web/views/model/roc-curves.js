// The receiver operating characteristic (ROC) of a model.

import { lineChart } from "../../modules/charts.js";
import { card } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { number, percent, t } from "../../modules/strings.js";

const precise = (value) => number(value, { maximumFractionDigits: 4 });

/** The card for a response of `.../roc-curve/`. `names` are those of figures.js. */
export function rocCard(answer, names, picture) {
  const all = answer.verification ?? answer.macro;
  const overall = { ...all, title: t(answer.verification ? "roc.verification" : "roc.macro") };
  const classes = (answer.classes ?? []).map((curve) => ({
    ...curve,
    title: names[curve.class].long,
  }));
  const place = el("div", {});
  const show = (curve) => fill(place, rocChart(curve ? [overall, curve] : [overall]));
  show(null);
  return card(
    t("roc.title"),
    el("p", { class: "hint" }, t("roc.what")),
    classes.length ? chooser(classes, show) : null,
    place,
    picture,
  );
}

function chooser(classes, show) {
  const options = classes
    .toSorted((one, other) => one.auc - other.auc)
    .map((curve) => [String(curve.class), `${curve.title} · ${precise(curve.auc)}`]);
  const change = (event) =>
    show(classes.find((curve) => String(curve.class) === event.target.value));
  const control = select([["", t("roc.noClass")], ...options], "", { on: { change } });
  return field(t("roc.class"), control).element;
}

function rocChart(shown) {
  const series = [
    ...shown.map((curve) => ({
      name: t("roc.area", { title: curve.title, area: precise(curve.auc) }),
      points: curve.points,
    })),
    {
      name: t("roc.chance"),
      points: [
        [0, 0],
        [1, 1],
      ],
    },
  ];
  return lineChart({ label: t("roc.title"), series, x: percent, y: percent, high: 1 });
}
