// Asks for a training: what it learns from, and how.

import { ask } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { go } from "../../modules/router.js";
import { t } from "../../modules/strings.js";
import { field, form, select, tick } from "../operate/forms.js";

// What may be asked for (API: POST /api/models/{name}/train/ and .../tune/).
const NUMBERS = {
  epochs: { value: 5, min: 1, max: 100, step: 1 },
  images_per_epoch: { value: 2000, min: 64, max: 200_000, step: 1 },
  batch_size: { value: 64, min: 8, max: 512, step: 1 },
  learning_rate: { value: 0.0005, min: 0.000001, max: 0.1, step: "any" },
  augmentation: { value: 1, min: 0, max: 2, step: "any" },
  seed: { value: 0, min: 0, max: 2 ** 31 - 1, step: 1 },
};
const TRIALS = { value: 10, min: 1, max: 100, step: 1 };
// What a search tries replaces these.
const SEARCHED = ["batch_size", "learning_rate", "augmentation"];
const RANGES = {
  learning_rate: { low: 0.00001, high: 0.01, min: 0.000001, max: 0.1 },
  augmentation: { low: 0.5, high: 1.5, min: 0, max: 2 },
};
const VERSION = "\\d+\\.\\d+(\\.\\d+)?";

/** The form of a training, `kind` "train", or of a search for parameters, "tune". */
export function trainingForm(kind, models, chosen) {
  const tunes = kind === "tune";
  const model = select(
    "model",
    models.map(({ name }) => [name, name]),
    chosen ?? models[0].name,
  );
  const start = el("span", {});
  const synthesis = el("span", {});
  const network = el("span", {});
  const showOfModel = () => {
    const { name, versions } = models.find((each) => each.name === model.value);
    const digits = name === "digits";
    const known = versions.map(({ version }) => [version, t("version.heading", { version })]);
    const origins = ["default", "scratch"].map((each) => [each, t(`training.start.${each}`)]);
    const control = select("start", [...origins, ...known], "default", {
      on: { change: (event) => showNetwork(event.target.value === "scratch" && !digits) },
    });
    fill(start, field(t("training.field.start"), control));
    const drawn = { name: "synthesis", checked: true };
    fill(synthesis, digits ? null : tick(t("training.field.synthesis"), drawn));
    showNetwork(false);
  };
  const showNetwork = (possible) =>
    fill(network, possible ? tick(t("training.field.network"), { name: "network" }) : null);
  model.addEventListener("change", showOfModel);
  showOfModel();

  const labelled = el("input", { type: "file", name: "labelled", accept: ".zip,application/zip" });
  const version = el("input", { name: "version", pattern: VERSION, autocomplete: "off" });
  const numbers = Object.entries(NUMBERS).filter(([name]) => !tunes || !SEARCHED.includes(name));
  const send = async (element) => {
    const asked = tunes
      ? { ...read(element), search: JSON.stringify(search(element)) }
      : read(element);
    const options = { form: bodyOf(asked, labelled.files[0]) };
    const { job_id: job } = await ask("POST", `/api/models/${model.value}/${kind}/`, options);
    go(`/jobs/${job}`);
  };
  return form(
    { submit: t(`training.submit.${kind}`), send },
    el("p", { class: "hint" }, t(`training.what.${kind}`)),
    el("div", { class: "fields" }, field(t("operate.model"), model), start),
    network,
    group(
      t("training.data"),
      synthesis,
      tick(t("training.field.corrections"), { name: "corrections" }),
      field(t("training.field.labelled"), labelled, t("training.labelled.hint")),
    ),
    tunes ? searchGroup() : null,
    group(
      t("training.how"),
      el(
        "div",
        { class: "fields" },
        numbers.map(([name, limits]) => numberField(name, limits)),
        tunes ? numberField("trials", TRIALS) : null,
        field(t("training.field.version"), version, t("training.version.hint")),
      ),
    ),
  );
}

const group = (legend, ...content) =>
  el("fieldset", { class: "stack group" }, el("legend", {}, legend), content);

function numberField(name, limits) {
  const control = el("input", { type: "number", name, required: true, ...limits });
  return field(t(`training.field.${name}`), control, limitsHint(limits));
}

const limitsHint = ({ min, max }) => t("training.limits", { min: String(min), max: String(max) });

function searchGroup() {
  const end = (name, which, { min, max, ...ends }) => {
    const limits = { value: ends[which], min, max, step: "any" };
    const control = el("input", {
      type: "number",
      name: `${name}_${which}`,
      required: true,
      ...limits,
    });
    return field(t(`training.search.${name}.${which}`), control, limitsHint(limits));
  };
  const sizes = el("input", {
    name: "batch_sizes",
    required: true,
    value: "32, 64, 128",
    pattern: "\\s*\\d+(\\s*,\\s*\\d+)*\\s*",
    autocomplete: "off",
  });
  return group(
    t("training.search"),
    el(
      "div",
      { class: "fields" },
      Object.entries(RANGES).map(([name, range]) => [
        end(name, "low", range),
        end(name, "high", range),
      ]),
      field(t("training.search.batch_size"), sizes, t("training.search.batch_size.hint")),
    ),
  );
}

/** What is asked for, as the names of the form say; what is empty is left to the service. */
function read(element) {
  const { elements } = element;
  const asked = {};
  for (const name of [...Object.keys(NUMBERS), "trials", "start", "version"]) {
    const value = elements[name]?.value.trim();
    if (value) asked[name] = value;
  }
  asked.synthesis = elements.synthesis?.checked ?? false;
  asked.corrections = elements.corrections.checked;
  if (elements.network?.checked) asked.network = "small";
  return asked;
}

function search({ elements }) {
  const range = (name) => [
    Number(elements[`${name}_low`].value),
    Number(elements[`${name}_high`].value),
  ];
  return {
    learning_rate: range("learning_rate"),
    augmentation: range("augmentation"),
    batch_size: elements.batch_sizes.value.split(",").map(Number),
  };
}

function bodyOf(asked, labelled) {
  const body = new FormData();
  for (const [name, value] of Object.entries(asked)) body.append(name, value);
  if (labelled) body.append("labelled", labelled, labelled.name);
  return body;
}
