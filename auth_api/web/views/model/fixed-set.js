// The figures of all versions on one fixed set of pictures (archive_scripts/improvement/fixed_set.py).

import { card, table } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";

const SHARES = ["top1", "top3", "accuracy", "same", "different"];
const NUMBERS = ["expected_calibration_error", "area_under_curve"];

/** The table of all versions. */
export function fixedSetCard(model) {
  const { versions } = model;
  const reference = fixedOf(defaultOf(model)) ?? versions.map(fixedOf).find(Boolean);
  const title = t("fixed.title");
  if (!reference) return card(title, el("p", { class: "hint" }, t("fixed.none")));
  const names = [...SHARES, ...NUMBERS].filter((name) => name in reference);
  const columns = [t("use.version"), ...names.map((name) => ({ number: t(`figure.${name}`) }))];
  const rows = versions.map((version) => {
    const figures = fixedOf(version);
    const comparable = figures?.set === reference.set;
    const isDefault = version.default ? ` (${t("version.default")})` : "";
    return [
      `${version.version}${isDefault}`,
      ...names.map((name) => (comparable ? format(name, figures[name]) : "–")),
    ];
  });
  return card(
    title,
    el("p", { class: "hint" }, t("fixed.what", { count: reference.pictures })),
    table(title, columns, rows),
  );
}

/** A warning if `version` is worse than the default on the same pictures, with both figures. */
export function promotionWarning(model, version) {
  const current = defaultOf(model);
  const [own, reference] = [version, current].map((each) => each && fixedOf(each));
  if (!own || !reference || own.set !== reference.set) return null;
  const name = "top1" in reference ? "top1" : "accuracy";
  if (own[name] >= reference[name]) return null;
  return t("version.promote.worse", {
    count: reference.pictures,
    version: version.version,
    own: percent(own[name], 1),
    current: current.version,
    reference: percent(reference[name], 1),
  });
}

const fixedOf = ({ figures }) => figures?.fixed ?? null;
const defaultOf = ({ versions }) => versions.find((version) => version.default) ?? {};

const format = (name, value) =>
  SHARES.includes(name) ? percent(value, 1) : number(value, { maximumFractionDigits: 4 });
