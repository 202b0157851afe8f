// Who gets which version: new versions come in, users are divided, and the versions compared.

import { get, post, put } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { field, form } from "../../modules/forms.js";
import { card } from "../../modules/parts.js";
import { percent, t } from "../../modules/strings.js";
import { report } from "./report.js";
import { trafficBar } from "./traffic-bar.js";

/** The part "release". */
export async function release({ model, signal }) {
  const path = `/api/models/${model.name}/`;
  const below = el("div", {});
  const compare = async () => {
    const compared = await get(`${path}traffic/report/`, {}, { signal });
    fill(below, card(t("report.title"), report(compared)));
  };
  await compare();
  const place = el("div", {}, traffic(model, path, compare));
  const registered = async () =>
    fill(place, traffic(await get(path, {}, { signal }), path, compare));
  return [el("div", { class: "two" }, place, registration(path, registered)), below];
}

function traffic(model, path, compare) {
  const others = model.versions.filter((version) => !version.default);
  if (!model.default || !others.length) {
    return card(
      t("traffic.title"),
      trafficBar(model.traffic),
      el("p", { class: "hint" }, t("traffic.single")),
    );
  }
  const rest = el("output", { class: "big" });
  const wrong = el("p", { class: "problem", role: "alert" });
  const bar = el("div", {});
  const arms = others.map(({ version }) => arm(version, model.traffic[version] ?? 0, () => show()));
  const fields = Object.fromEntries(arms.map((each) => [each.version, each.field]));
  const shares = () => arms.map(({ version, field: { value } }) => [version, Number(value())]);
  const left = () => round(100 - shares().reduce((sum, [, part]) => sum + part, 0));
  const divided = () => ({ [model.default]: left(), ...Object.fromEntries(shares()) });
  const show = () => {
    const possible = left() >= 0;
    fill(rest, possible ? percent(left() / 100, 1) : "–");
    fill(wrong, possible ? null : t("traffic.tooMuch", { over: -left() }));
    fill(bar, possible ? trafficBar(divided()) : null);
  };
  show();
  const send = async () => {
    if (left() < 0) return arms[0].field.control.focus(); // what is wrong is said already
    await put(`${path}traffic/`, divided());
    await compare();
    return t("traffic.saved");
  };
  return card(
    t("traffic.title"),
    el("p", { class: "hint" }, t("traffic.what")),
    form(
      { fields, submit: t("action.save"), send },
      arms.map((each) => each.element),
      el(
        "p",
        { class: "row spread", "aria-live": "polite" },
        el("span", {}, t("traffic.rest", { version: model.default })),
        rest,
      ),
      wrong,
      bar,
    ),
  );
}

/** Shares are sent to a tenth of a percent; sums of such numbers are not. */
const round = (value) => Math.round(value * 10) / 10;

function arm(version, part, changed) {
  const range = { min: 0, max: 100, step: 0.1, value: part };
  const label = t("traffic.share", { version });
  const control = el("input", { type: "number", required: true, ...range });
  const slider = el("input", { type: "range", "aria-label": label, ...range });
  const follow = (from, to) => () => {
    to.value = from.value;
    changed();
  };
  control.addEventListener("input", follow(control, slider));
  slider.addEventListener("input", follow(slider, control));
  const made = field(label, control);
  return { version, field: made, element: el("div", {}, made.element, slider) };
}

function registration(path, registered) {
  const typed = { autocomplete: "off", spellcheck: "false" };
  const archive = { required: true, maxlength: 132, placeholder: "ranjana-1.1.mar", ...typed };
  const fields = {
    archive: field(t("version.archive"), el("input", archive), {
      hint: t("register.archive.hint"),
    }),
    sha256: field(t("register.checksum"), el("input", { pattern: "[0-9A-Fa-f]{64}", ...typed }), {
      hint: t("register.checksum.hint"),
    }),
  };
  const send = async (values) => {
    const body = { archive: values.archive.trim(), sha256: values.sha256.trim() || null };
    const { version } = await post(`${path}versions/`, body);
    for (const { control } of Object.values(fields)) control.value = "";
    await registered();
    return t("register.done", { version });
  };
  return card(
    t("register.title"),
    el("p", { class: "hint" }, t("register.what")),
    form({ fields, submit: t("register.submit"), send, doing: t("register.trying") }),
  );
}
