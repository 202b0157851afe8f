// The form that starts a training or a tuning.

import { request } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { checkbox, field, form, options, select } from "../../modules/forms.js";
import { go } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

// Defaults and limits (API: POST /api/models/{name}/train/ and .../tune/).
const NUMBERS = {
  epochs: { value: 5, min: 1, max: 100, step: 1 },
  images_per_epoch: { value: 2000, min: 64, max: 200_000, step: 1 },
  batch_size: { value: 64, min: 8, max: 512, step: 1 },
  learning_rate: { value: 0.0005, min: 0.000001, max: 0.1, step: "any" },
  augmentation: { value: 1, min: 0, max: 2, step: "any" },
  seed: { value: 0, min: 0, max: 2 ** 31 - 1, step: 1 },
};
const TRIALS = { value: 10, min: 1, max: 100, step: 1 };
// A tuning searches for these instead.
const SEARCHED = ["batch_size", "learning_rate", "augmentation"];
const RANGES = {
  learning_rate: { low: 0.00001, high: 0.01, min: 0.000001, max: 0.1 },
  augmentation: { low: 0.5, high: 1.5, min: 0, max: 2 },
};
const VERSION = "\\d+\\.\\d+(\\.\\d+)?";

/** The form. `kind` is "train" or "tune"; `chosen` is the name of the selected model. */
export function trainingForm(kind, models, chosen) {
  const tunes = kind === "tune";
  const { fields, ...groups } = fieldsOf(tunes, models, chosen);
  const { model, start, synthesis, network } = fields;
  const showNetwork = () => {
    network.element.hidden = model.value() !== "similarity" || start.value() !== "scratch";
  };
  const showOfModel = () => {
    const { name, versions } = models.find((each) => each.name === model.value());
    const origins = ["default", "scratch"].map((each) => [each, t(`training.start.${each}`)]);
    const known = versions.map(({ version }) => [version, t("version.heading", { version })]);
    fill(start.control, options([...origins, ...known]));
    synthesis.element.hidden = name === "digits";
    showNetwork();
  };
  model.control.addEventListener("change", showOfModel);
  start.control.addEventListener("change", showNetwork);
  showOfModel();

  const send = async (values) => {
    const requested = requestFields(values, fields);
    if (tunes) requested.search = JSON.stringify(search(values));
    const body = bodyOf(requested, values.labelled[0]);
    const { job_id: job } = await request("POST", `/api/models/${values.model}/${kind}/`, {
      form: body,
    });
    go(`/jobs/${job}`);
  };
  return form(
    { fields, submit: t(`training.submit.${kind}`), send },
    el("p", { class: "hint" }, t(`training.what.${kind}`)),
    el("div", { class: "fields" }, model.element, start.element),
    network.element,
    group(
      t("training.data"),
      synthesis.element,
      fields.corrections.element,
      fields.labelled.element,
    ),
    tunes ? group(t("training.search"), inColumns(groups.searched)) : null,
    group(t("training.how"), inColumns(groups.how)),
  );
}

/** All fields by name, and two groups of them. */
function fieldsOf(tunes, models, chosen) {
  const names = models.map(({ name }) => [name, name]);
  const numbers = Object.entries(NUMBERS).filter(([name]) => !tunes || !SEARCHED.includes(name));
  const files = el("input", { type: "file", accept: ".zip,application/zip" });
  const version = el("input", { pattern: VERSION, autocomplete: "off" });
  const how = {
    ...Object.fromEntries(
      numbers.map(([name, limits]) => [name, numberField(t(`training.field.${name}`), limits)]),
    ),
    ...(tunes ? { trials: numberField(t("training.field.trials"), TRIALS) } : {}),
    version: field(t("training.field.version"), version, { hint: t("training.version.hint") }),
  };
  const searched = tunes ? searchFields() : {};
  const fields = {
    model: field(t("operate.model"), select(names, chosen ?? models[0].name)),
    start: field(t("training.field.start"), el("select")),
    network: checkbox(t("training.field.network"), false),
    synthesis: checkbox(t("training.field.synthesis"), true),
    corrections: checkbox(t("training.field.corrections"), false),
    labelled: field(t("training.field.labelled"), files, { hint: t("training.labelled.hint") }),
    ...searched,
    ...how,
  };
  return { fields, searched, how };
}

function searchFields() {
  const sizes = el("input", {
    required: true,
    value: "32, 64, 128",
    pattern: "\\s*\\d+(\\s*,\\s*\\d+)*\\s*",
    autocomplete: "off",
  });
  const ends = Object.entries(RANGES).flatMap(([name, { min, max, ...range }]) =>
    ["low", "high"].map((end) => {
      const limits = { value: range[end], min, max, step: "any" };
      return [`${name}_${end}`, numberField(t(`training.search.${name}.${end}`), limits)];
    }),
  );
  return {
    ...Object.fromEntries(ends),
    batch_sizes: field(t("training.search.batch_size"), sizes, {
      hint: t("training.search.batch_size.hint"),
    }),
  };
}

function numberField(label, limits) {
  const control = el("input", { type: "number", required: true, ...limits });
  return field(label, control, { hint: limitsHint(limits) });
}

const limitsHint = ({ min, max }) => t("training.limits", { min: String(min), max: String(max) });

const group = (legend, ...content) =>
  el("fieldset", { class: "stack group" }, el("legend", {}, legend), content);

const inColumns = (fields) =>
  el(
    "div",
    { class: "fields" },
    Object.values(fields).map(({ element }) => element),
  );

/** The fields of the request. Empty ones are left out, so that the service uses its defaults. */
function requestFields(values, { synthesis, network }) {
  const requested = {};
  for (const name of [...Object.keys(NUMBERS), "trials", "start", "version"]) {
    const value = values[name]?.trim();
    if (value) requested[name] = value;
  }
  requested.synthesis = values.synthesis && !synthesis.element.hidden;
  requested.corrections = values.corrections;
  if (values.network && !network.element.hidden) requested.network = "small";
  return requested;
}

function search(values) {
  const range = (name) => [Number(values[`${name}_low`]), Number(values[`${name}_high`])];
  return {
    learning_rate: range("learning_rate"),
    augmentation: range("augmentation"),
    batch_size: values.batch_sizes.split(",").map(Number),
  };
}

function bodyOf(requested, labelled) {
  const body = new FormData();
  for (const [name, value] of Object.entries(requested)) body.append(name, value);
  if (labelled) body.append("labelled", labelled, labelled.name);
  return body;
}
