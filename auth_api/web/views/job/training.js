// The outcome of a training: loss curves, trials, the new version.

import { lineChart } from "../../modules/charts.js";
import { card, linkButton, table } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { hasRole } from "../../modules/session.js";
import { number, percent, t } from "../../modules/strings.js";
import { SHARES } from "../model/figures.js";
import { facts, share } from "../operate/facts.js";

const precise = (value) => number(value, { maximumFractionDigits: 5 });

/** `{element, show}`: `show(job)` updates the element. */
export function training(model) {
  const element = el("div", { class: "stack" });
  let drawn = null;
  const show = ({ outcome }) => {
    const current = JSON.stringify(outcome);
    if (!outcome || current === drawn) return;
    drawn = current;
    fill(
      element,
      outcome.archive ? newVersion(outcome, model) : null,
      outcome.epochs.length ? curves(outcome.epochs) : null,
      outcome.trials.length ? trials(outcome.trials) : null,
    );
  };
  return { element, show };
}

function curves(epochs) {
  const points = (figure) =>
    epochs.filter((each) => each[figure] !== null).map((each) => [each.epoch, each[figure]]);
  const series = (names) =>
    names.map((name) => ({ name: t(`training.${name}`), points: points(name) }));
  const chart = (name, figures, y, more = {}) => {
    const label = t(`training.over.${name}`);
    return card(label, lineChart({ label, series: series(figures), x: number, y, ...more }));
  };
  return el(
    "div",
    { class: "two" },
    chart("loss", ["loss", "validation_loss"], (value) =>
      number(value, { maximumFractionDigits: 2 }),
    ),
    chart("accuracy", ["accuracy"], (value) => percent(value, 1), { high: 1 }),
  );
}

function trials(found) {
  const names = [...new Set(found.flatMap((trial) => Object.keys(trial.parameters ?? {})))];
  const columns = [
    t("training.trial"),
    t("training.trial.state"),
    ...names.map((name) => ({ number: parameterName(name) })),
    { number: t("training.accuracy") },
  ];
  const best = Math.max(...found.map((trial) => trial.accuracy ?? 0));
  const rows = found.map((trial) => [
    number(trial.trial + 1),
    trial.state ? t(`training.trial.${trial.state}`) : "–",
    ...names.map((name) => formatNumber(trial.parameters?.[name])),
    trial.accuracy === null
      ? "–"
      : el(trial.accuracy === best ? "strong" : "span", {}, percent(trial.accuracy, 1)),
  ]);
  return card(t("training.trials"), table(t("training.trials"), columns, rows));
}

function newVersion(outcome, model) {
  const { before, after } = outcome;
  const names = Object.keys(after ?? {}).filter((name) => typeof after[name] === "number");
  const columns = [
    t("training.figure"),
    { number: t("training.before") },
    { number: t("training.after") },
  ];
  const rows = names.map((name) => [
    figureName(name),
    formatFigure(name, before?.[name]),
    el("strong", {}, formatFigure(name, after[name])),
  ]);
  return card(
    t("training.made", { model, version: outcome.version }),
    el(
      "p",
      { class: `notice ${outcome.registered ? "good" : ""}` },
      outcome.registered
        ? t("training.registered")
        : (outcome.not_registered ?? t("training.notYet")),
    ),
    rows.length ? table(t("training.made.figures"), columns, rows) : null,
    facts([[t("version.archive"), outcome.archive]]),
    outcome.parameters ? parameters(outcome.parameters) : null,
    outcome.registered ? links(outcome.version, model) : null,
  );
}

function parameters(found) {
  const rows = Object.entries(found).map(([name, value]) => [
    parameterName(name),
    typeof value === "number" ? precise(value) : String(value ?? "–"),
  ]);
  const label = t("training.parameters");
  const columns = [t("training.parameter"), t("training.value")];
  return el("details", {}, el("summary", {}, label), table(label, columns, rows));
}

function links(version, model) {
  const to = (query, key) => linkButton(t(key), href(`/models/${model}`, query));
  return el(
    "p",
    { class: "row" },
    to({ part: "figures", version }, "training.see"),
    hasRole("ml-engineer") ? to({ part: "release" }, "training.release") : null,
  );
}

const formatNumber = (value) => (typeof value === "number" ? precise(value) : "–");
const formatFigure = (name, value) =>
  SHARES.includes(name) && typeof value === "number" ? share(value) : formatNumber(value);
const parameterName = (name) => translated(`training.field.${name}`, name);
const figureName = (name) => translated(`figure.${name}`, name);

function translated(key, otherwise) {
  const found = t(key);
  return found === key ? otherwise.replaceAll("_", " ") : found;
}
