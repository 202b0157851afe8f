// Hands in pictures, or a zip of them, to be read.

import { ask } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { field, form, select } from "../../modules/forms.js";
import { whenDropped } from "../../modules/pictures.js";
import { go } from "../../modules/router.js";
import { t } from "../../modules/strings.js";

// As many as the service takes in one job (API: /api/jobs/predict/).
const MOST = 1000;

/** The form; `models` are those that read pictures. Files can be dropped anywhere in the page. */
export function handIn(models, signal) {
  const chosen = el("p", { role: "status" });
  const accept = "image/*,.zip,application/zip";
  const control = el("input", { type: "file", multiple: true, required: true, accept });
  const readers = models.map((name) => [name, t(`models.what.${name}`)]);
  const fields = {
    files: field(t("jobs.files"), control, { hint: t("jobs.files.hint", { count: MOST }) }),
    model: field(t("operate.model"), select(readers, models[0])),
  };
  const tell = () => {
    const wrong = complaint([...control.files]);
    const count = control.files.length;
    control.setCustomValidity(wrong ?? "");
    fields.files.say(wrong);
    if (wrong)
      fill(chosen, el("span", { class: "visually-hidden" }, wrong)); // for dropped files
    else if (!count) fill(chosen);
    else fill(chosen, count === 1 ? control.files[0].name : t("jobs.chosen", { count }));
  };
  control.addEventListener("change", tell);
  const drop = (files) => {
    control.files = files;
    tell();
  };
  whenDropped(drop, signal);
  const send = async ({ files, model }) => {
    const body = new FormData();
    const [first] = files;
    if (isZip(first)) body.append("zip", first, first.name);
    else for (const file of files) body.append("images", file, file.name);
    const options = { query: { model }, form: body, signal };
    const { job_id: job } = await ask("POST", "/api/jobs/predict/", options);
    go(`/jobs/${job}`);
  };
  return form(
    { fields, submit: t("jobs.submit"), send },
    el("p", { class: "hint" }, t("jobs.what")),
    fields.files.element,
    chosen,
    fields.model.element,
  );
}

const isZip = (file) => /\.zip$/i.test(file.name);

/** What is wrong with a choice of files, null for nothing. */
function complaint(files) {
  if (files.length > MOST) return t("jobs.tooMany", { count: MOST });
  if (files.length > 1 && files.some(isZip)) return t("jobs.oneZip");
  return null;
}
