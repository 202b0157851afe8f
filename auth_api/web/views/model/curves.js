// Receiver operating characteristics.

import { lineChart } from "../../modules/charts.js";
import { el, fill } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { card } from "../../modules/parts.js";
import { number, percent, t } from "../../modules/strings.js";

const fine = (value) => number(value, { maximumFractionDigits: 4 });

/** The card of an answer of `.../roc-curve/`; `names` as in figures.js. */
export function curves(answer, names, picture) {
  const all = answer.verification ?? answer.macro;
  const overall = { ...all, title: t(answer.verification ? "roc.verification" : "roc.macro") };
  const classes = (answer.classes ?? []).map((curve) => ({
    ...curve,
    title: names[curve.class].long,
  }));
  const place = el("div", {});
  const show = (curve) => fill(place, drawn(curve ? [overall, curve] : [overall]));
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
    .map((curve) => [String(curve.class), `${curve.title} · ${fine(curve.auc)}`]);
  const change = (event) =>
    show(classes.find((curve) => String(curve.class) === event.target.value));
  const control = select([["", t("roc.noClass")], ...options], "", { on: { change } });
  return field(t("roc.class"), control).element;
}

function drawn(shown) {
  const series = [
    ...shown.map((curve) => ({
      name: t("roc.area", { title: curve.title, area: fine(curve.auc) }),
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
  const written = (value) => percent(value);
  return lineChart({ label: t("roc.title"), series, x: written, y: written, high: 1 });
}
