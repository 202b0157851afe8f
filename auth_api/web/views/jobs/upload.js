// Uploads pictures, or a zip of pictures, to be recognised.

import { request } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { field, form, select } from "../../modules/forms.js";
import { onDrop } from "../../modules/pictures.js";
import { go } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

// Limit of one job (API: /api/jobs/predict/).
const MAX_PICTURES = 1000;

/** The form. `models` are those that recognise. Files can be dropped anywhere in the page. */
export function uploadForm(models, signal) {
  const summary = el("p", { role: "status" });
  const accept = "image/*,.zip,application/zip";
  const control = el("input", { type: "file", multiple: true, required: true, accept });
  const modelOptions = models.map((name) => [name, t(`models.what.${name}`)]);
  const fields = {
    files: field(t("jobs.files"), control, { hint: t("jobs.files.hint", { count: MAX_PICTURES }) }),
    model: field(t("operate.model"), select(modelOptions, models[0])),
  };
  const validate = () => {
    const error = fileError([...control.files]);
    const count = control.files.length;
    control.setCustomValidity(error ?? "");
    fields.files.setError(error);
    if (error)
      fill(summary, el("span", { class: "visually-hidden" }, error)); // for dropped files
    else if (!count) fill(summary);
    else fill(summary, count === 1 ? control.files[0].name : t("jobs.chosen", { count }));
  };
  control.addEventListener("change", validate);
  const drop = (files) => {
    control.files = files;
    validate();
  };
  onDrop(drop, signal);
  const send = async ({ files, model }) => {
    const body = new FormData();
    const [first] = files;
    if (isZip(first)) body.append("zip", first, first.name);
    else for (const file of files) body.append("images", file, file.name);
    const options = { query: { model, characters: "all" }, form: body, signal };
    const { job_id: job } = await request("POST", "/api/jobs/predict/", options);
    go(`/jobs/${job}`);
  };
  return form(
    { fields, submit: t("jobs.submit"), send },
    el("p", { class: "hint" }, t("jobs.what")),
    fields.files.element,
    summary,
    fields.model.element,
  );
}

const isZip = (file) => /\.zip$/i.test(file.name);

/** The error of a choice of files, or null. */
function fileError(files) {
  if (files.length > MAX_PICTURES) return t("jobs.tooMany", { count: MAX_PICTURES });
  if (files.length > 1 && files.some(isZip)) return t("jobs.oneZip");
  return null;
}
