// The evaluation of a version: metrics, metrics per class, confusion matrix, curves.

import { actionButton } from "../../modules/actions.js";
import { ApiError, download, get } from "../../modules/api.js";
import { loadCharacters } from "../../modules/characters.js";
import { lineChart } from "../../modules/charts.js";
import { card, table } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { go } from "../../modules/router.js";
import { number, percent, t } from "../../modules/strings.js";
import { facts, interval } from "../operate/facts.js";
import { confusionMatrixCard } from "./confusion-matrix.js";
import { rocCard } from "./roc-curves.js";
import { shareWithInterval } from "./versions.js";
import { wilson } from "./wilson.js";

/** Metrics that are fractions of the pictures. */
export const SHARES = ["top1", "top3", "accuracy", "same", "different", "nearest_reference"];
const NUMBERS = ["expected_calibration_error", "area_under_curve", "threshold"];

/** The part "figures". */
export async function figures({ model, query, signal }) {
  const version = query.version ?? model.default;
  const path = `/api/models/${model.name}/`;
  const of = (what) => orNullIfMissing(get(`${path}${what}/`, { version }, { signal }));
  const [found, confusion, roc, names] = await Promise.all([
    of("metrics"),
    of("confusion-matrix"),
    of("roc-curve"),
    classNames(model.name),
  ]);
  const choice = chooser(model, version);
  if (!found) return [choice, el("p", { class: "card hint" }, t("figures.none"))];
  const picture = (what) => pictureButton(path, what, model.name, version);
  return [
    choice,
    headline(found),
    confusion ? confusionMatrixCard(confusion, names, picture("confusion-matrix")) : null,
    roc ? rocCard(roc, names, picture("roc-curve")) : null,
    found.calibration ? calibration(found.calibration) : null,
    found.distances ? distances(found) : null,
    found.per_class ? perClass(found.per_class, names, picture("metrics")) : null,
  ];
}

/** The response, or null if the archive has no such figures. */
async function orNullIfMissing(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && error.code === "figures_not_found") return null;
    throw error;
  }
}

/** The names of the classes, `{short, long}`. */
async function classNames(model) {
  if (model === "digits") {
    return Array.from({ length: 10 }, (_, digit) => ({
      short: number(digit),
      long: number(digit),
    }));
  }
  const characters = await loadCharacters();
  return characters.map((each) => ({
    short: each.character,
    long: `${each.character} ${each.name}`,
  }));
}

function chooser(model, version) {
  const options = model.versions.map((each) => [each.version, each.version]);
  const change = (event) =>
    go(`/models/${model.name}`, { part: "figures", version: event.target.value });
  const control = select(options, version, { on: { change } });
  return el("div", { class: "row controls" }, field(t("use.version"), control).element);
}

function headline(found) {
  return card(
    t("figures.title"),
    facts([
      ...SHARES.filter((name) => typeof found[name] === "number").map((name) =>
        shareWithInterval(t(`figure.${name}`), found[name], found.pictures),
      ),
      ...NUMBERS.filter((name) => typeof found[name] === "number").map((name) => [
        t(`figure.${name}`),
        number(found[name], { maximumFractionDigits: 4 }),
      ]),
      [t("version.pictures"), found.pictures === null ? null : number(found.pictures)],
    ]),
    found.data ? el("p", { class: "hint small", lang: "en" }, found.data) : null,
    el("p", { class: "hint small" }, t("figures.interval")),
  );
}

function pictureButton(path, what, model, version) {
  const errors = el("div", {});
  const save = () =>
    download(`${path}${what}/`, `${model}-${version}-${what}.png`, {
      query: { version },
      accept: "image/png",
    });
  return el("div", {}, actionButton(t("figures.picture"), save, errors), errors);
}

const rounded = (value) => number(value, { maximumFractionDigits: 2 });

function calibration(bins) {
  const seen = bins.filter((bin) => bin.pictures);
  const series = [
    { name: t("figures.hits"), points: seen.map((bin) => [bin.confidence, bin.hits]) },
    { name: t("figures.honest"), points: seen.map((bin) => [bin.confidence, bin.confidence]) },
  ];
  const label = t("figures.calibration");
  const chart = { label, series, x: percent, y: percent };
  return card(label, el("p", { class: "hint" }, t("figures.calibration.what")), lineChart(chart));
}

function distances({ distances: found, threshold }) {
  const points = (counts) => {
    // Fractions, because there are many more pairs of different characters.
    const all = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count, index) => [found.edges[index], count / all]);
  };
  const series = ["same", "different"].map((name) => ({
    name: t(`figures.pairs.${name}`),
    points: points(found[name]),
  }));
  const label = t("figures.distances");
  const hint = el(
    "p",
    { class: "hint" },
    t("figures.distances.what", { threshold: rounded(threshold) }),
  );
  return card(label, hint, lineChart({ label, series, x: rounded, y: percent }));
}

function perClass(classes, names, picture) {
  const columns = ["recall", "precision", "same", "different", "f1", "auc", "pictures"].filter(
    (name) => name in classes[0],
  );
  const share = (value) => percent(value, 1);
  const cell = (name, each) => {
    const value = each[name];
    if (typeof value !== "number") return "–";
    if (name === "pictures") return number(value);
    if (name === "auc") return number(value, { maximumFractionDigits: 4 });
    if (name !== "recall" || !each.pictures) return share(value);
    const range = interval(...wilson(value, each.pictures), (limit) => percent(limit));
    return [share(value), el("span", { class: "remark" }, range)];
  };
  const worst = columns[0];
  const rows = classes
    .toSorted((one, other) => (one[worst] ?? 1) - (other[worst] ?? 1))
    .map((each) => [
      names[each.class]?.long ?? each.name,
      ...columns.map((name) => cell(name, each)),
    ]);
  const label = t("figures.perClass");
  const headings = [t("use.class"), ...columns.map((name) => ({ number: t(`figure.${name}`) }))];
  return el(
    "details",
    { class: "card stack" },
    el("summary", {}, el("h2", { class: "inline" }, label)),
    el("p", { class: "hint" }, t("figures.perClass.what")),
    table(label, headings, rows),
    picture,
  );
}
