// Releasing a model: register versions, split the traffic, compare the versions.

import { get, post, put } from "../../modules/api.js";
import { card } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { field, form } from "../../modules/forms.js";
import { keepFresh } from "../../modules/refreshing.js";
import { percent, t } from "../../modules/strings.js";
import { report } from "./report.js";
import { trafficBar } from "./traffic-bar.js";

/** The part "release". */
export async function release({ model, signal }) {
  const path = `/api/models/${model.name}/`;
  const reportBox = el("div", {});
  const load = () => get(`${path}traffic/report/`, {}, { signal });
  const show = (compared) => fill(reportBox, card(t("report.title"), report(compared)));
  const loadReport = async () => show(await load());
  const shown = await load();
  show(shown);
  keepFresh({ place: reportBox, load, show, shown, signal });
  const place = el("div", {}, traffic(model, path, loadReport));
  const onRegistered = async () =>
    fill(place, traffic(await get(path, {}, { signal }), path, loadReport));
  return [el("div", { class: "two" }, place, registration(path, onRegistered)), reportBox];
}

function traffic(model, path, loadReport) {
  const others = model.versions.filter((version) => !version.default);
  if (!model.default || !others.length) {
    return card(
      t("traffic.title"),
      trafficBar(model.traffic),
      el("p", { class: "hint" }, t("traffic.single")),
    );
  }
  const remainderOutput = el("output", { class: "big" });
  const tooMuch = el("p", { class: "problem", role: "alert" });
  const bar = el("div", {});
  const inputs = others.map(({ version }) =>
    shareInput(version, model.traffic[version] ?? 0, () => show()),
  );
  const fields = Object.fromEntries(inputs.map((each) => [each.version, each.field]));
  const shares = () => inputs.map((each) => [each.version, Number(each.field.value())]);
  const remainder = () => roundToTenth(100 - shares().reduce((sum, [, share]) => sum + share, 0));
  const split = () => ({ [model.default]: remainder(), ...Object.fromEntries(shares()) });
  const show = () => {
    const valid = remainder() >= 0;
    fill(remainderOutput, valid ? percent(remainder() / 100, 1) : "–");
    fill(tooMuch, valid ? null : t("traffic.tooMuch", { over: -remainder() }));
    fill(bar, valid ? trafficBar(split()) : null);
  };
  show();
  const send = async () => {
    if (remainder() < 0) return inputs[0].field.control.focus(); // the error is visible already
    await put(`${path}traffic/`, split());
    await loadReport();
    return t("traffic.saved");
  };
  return card(
    t("traffic.title"),
    el("p", { class: "hint" }, t("traffic.what")),
    form(
      { fields, submit: t("action.save"), send },
      inputs.map((each) => each.element),
      el(
        "p",
        { class: "row spread", "aria-live": "polite" },
        el("span", {}, t("traffic.rest", { version: model.default })),
        remainderOutput,
      ),
      tooMuch,
      bar,
    ),
  );
}

/** Rounds to a tenth of a percent, because sums of such numbers are not exact. */
const roundToTenth = (value) => Math.round(value * 10) / 10;

function shareInput(version, percentage, onChange) {
  const range = { min: 0, max: 100, step: 0.1, value: percentage };
  const label = t("traffic.share", { version });
  const control = el("input", { type: "number", required: true, ...range });
  const slider = el("input", { type: "range", "aria-label": label, ...range });
  const copyValue = (from, to) => () => {
    to.value = from.value;
    onChange();
  };
  control.addEventListener("input", copyValue(control, slider));
  slider.addEventListener("input", copyValue(slider, control));
  const numberField = field(label, control);
  return { version, field: numberField, element: el("div", {}, numberField.element, slider) };
}

function registration(path, onRegistered) {
  const plainText = { autocomplete: "off", spellcheck: "false" };
  const archive = { required: true, maxlength: 132, placeholder: "ranjana-1.1.mar", ...plainText };
  const fields = {
    archive: field(t("version.archive"), el("input", archive), {
      hint: t("register.archive.hint"),
    }),
    sha256: field(
      t("register.checksum"),
      el("input", { pattern: "[0-9A-Fa-f]{64}", ...plainText }),
      {
        hint: t("register.checksum.hint"),
      },
    ),
  };
  const send = async (values) => {
    const body = { archive: values.archive.trim(), sha256: values.sha256.trim() || null };
    const { version } = await post(`${path}versions/`, body);
    for (const { control } of Object.values(fields)) control.value = "";
    await onRegistered();
    return t("register.done", { version });
  };
  return card(
    t("register.title"),
    el("p", { class: "hint" }, t("register.what")),
    form({ fields, submit: t("register.submit"), send, progressText: t("register.trying") }),
  );
}
