// Hands in pictures, or a zip of them, to be read.

import { ask } from "../../modules/api.js";
import { el, fill } from "../../modules/dom.js";
import { go } from "../../modules/router.js";
import { t } from "../../modules/strings.js";
import { field, form, select } from "../operate/forms.js";

// As many as the service takes in one job (API: /api/jobs/predict/).
const MOST = 1000;

/** The form; `models` are those that read pictures. Files can be dropped anywhere in the page. */
export function handIn(models, signal) {
  const chosen = el("p", { role: "status" });
  const files = el("input", {
    type: "file",
    name: "files",
    multiple: true,
    required: true,
    accept: "image/*,.zip,application/zip",
  });
  const model = select(
    "model",
    models.map((name) => [name, t(`models.what.${name}`)]),
    models[0],
  );
  const tell = () => {
    const wrong = complaint([...files.files]);
    files.setCustomValidity(wrong ?? "");
    const names = [...files.files].map((file) => file.name);
    const count = names.length;
    if (wrong) fill(chosen, el("span", { class: "problem" }, wrong));
    else if (!count) fill(chosen);
    else fill(chosen, count === 1 ? names[0] : t("jobs.chosen", { count }));
  };
  files.addEventListener("change", tell);
  const drop = (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    files.files = event.dataTransfer.files;
    tell();
  };
  const over = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  const left = (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  };
  addEventListener("dragover", over, { signal });
  addEventListener("dragleave", left, { signal });
  addEventListener("drop", drop, { signal });
  const send = async () => {
    const body = new FormData();
    const [first] = files.files;
    if (isZip(first)) body.append("zip", first, first.name);
    else for (const file of files.files) body.append("images", file, file.name);
    const options = { query: { model: model.value }, form: body, signal };
    const { job_id: job } = await ask("POST", "/api/jobs/predict/", options);
    go(`/jobs/${job}`);
  };
  return form(
    { submit: t("jobs.submit"), send },
    el("p", { class: "hint" }, t("jobs.what")),
    field(t("jobs.files"), files, t("jobs.files.hint", { count: MOST })),
    chosen,
    field(t("operate.model"), model),
  );
}

const isZip = (file) => /\.zip$/i.test(file.name);

/** What is wrong with a choice of files, null for nothing. */
function complaint(files) {
  if (files.length > MOST) return t("jobs.tooMany", { count: MOST });
  if (files.length > 1 && files.some(isZip)) return t("jobs.oneZip");
  return null;
}
