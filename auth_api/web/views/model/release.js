// Who gets which version: new versions come in, users are divided, and the versions compared.

import { get, post, put } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { number, percent, t } from "../../modules/strings.js";
import { field, form } from "../operate/forms.js";
import { card } from "../operate/parts.js";
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

function traffic(model, path, divided) {
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
  const saved = el("div", { role: "status" });
  const arms = others.map(({ version }) => arm(version, model.traffic[version] ?? 0, () => show()));
  const shares = () =>
    Object.fromEntries(arms.map(({ version, control }) => [version, Number(control.value)]));
  const left = () => round(100 - Object.values(shares()).reduce((sum, part) => sum + part, 0));
  const show = () => {
    const possible = left() >= 0;
    fill(rest, possible ? percent(left() / 100, 1) : "–");
    fill(wrong, possible ? null : t("traffic.tooMuch", { over: number(-left()) }));
    fill(saved);
    fill(bar, possible ? trafficBar({ [model.default]: left(), ...shares() }) : null);
    arms[0].control.setCustomValidity(possible ? "" : t("traffic.tooMuch", { over: -left() }));
  };
  show();
  const send = async () => {
    fill(saved);
    await put(`${path}traffic/`, { [model.default]: left(), ...shares() });
    fill(saved, el("p", { class: "notice good" }, t("traffic.saved")));
    await divided();
  };
  return card(
    t("traffic.title"),
    el("p", { class: "hint" }, t("traffic.what")),
    form(
      { submit: t("action.save"), send },
      arms.map((each) => each.element),
      el(
        "p",
        { class: "row spread", "aria-live": "polite" },
        el("span", {}, t("traffic.rest", { version: model.default })),
        rest,
      ),
      wrong,
      bar,
      saved,
    ),
  );
}

/** Shares are sent to a tenth of a percent; sums of such numbers are not. */
const round = (value) => Math.round(value * 10) / 10;

function arm(version, part, changed) {
  const range = { min: 0, max: 100, step: 0.1, value: part };
  const label = t("traffic.share", { version });
  const control = el("input", { type: "number", name: version, required: true, ...range });
  const slider = el("input", { type: "range", "aria-label": label, ...range });
  const follow = (from, to) => () => {
    to.value = from.value;
    changed();
  };
  control.addEventListener("input", follow(control, slider));
  slider.addEventListener("input", follow(slider, control));
  return { version, control, element: el("div", {}, field(label, control), slider) };
}

function registration(path, registered) {
  const archive = el("input", {
    name: "archive",
    required: true,
    maxlength: 132,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "ranjana-1.1.mar",
  });
  const sha256 = el("input", {
    name: "sha256",
    pattern: "[0-9A-Fa-f]{64}",
    autocomplete: "off",
    spellcheck: "false",
  });
  const said = el("div", { role: "status" });
  const send = async (element) => {
    fill(said, el("p", { class: "hint" }, t("register.trying")));
    try {
      const body = { archive: archive.value.trim(), sha256: sha256.value.trim() || null };
      const { version } = await post(`${path}versions/`, body);
      element.reset();
      await registered();
      fill(said, el("p", { class: "notice good" }, t("register.done", { version })));
    } catch (problem) {
      fill(said);
      throw problem;
    }
  };
  return card(
    t("register.title"),
    el("p", { class: "hint" }, t("register.what")),
    form(
      { submit: t("register.submit"), send },
      field(t("version.archive"), archive, t("register.archive.hint")),
      field(t("register.checksum"), sha256, t("register.checksum.hint")),
      said,
    ),
  );
}
