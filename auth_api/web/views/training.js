// Training: have a model learn more, and see what became of earlier trainings.

import { get } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { choices } from "../modules/pad-tools.js";
import { card } from "../modules/parts.js";
import { t } from "../modules/strings.js";
import { jobList } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";
import { trainingForm } from "./training/form.js";

// Jobs are asked for by so many, for those that read pictures are left out of this list.
const JOBS = 100;

export default async function view({ query, signal }) {
  const load = async (cursor) => {
    const page = await get("/api/jobs/", { limit: JOBS, cursor }, { signal });
    return { ...page, results: page.results.filter((job) => job.kind !== "predict") };
  };
  const [{ models }, list] = await Promise.all([
    get("/api/models/", {}, { signal }),
    jobList({ load, empty: t("training.none"), signal }),
  ]);
  const place = el("div", {});
  const show = (kind) => fill(place, trainingForm(kind, models, query.model));
  show("train");
  const kinds = ["train", "tune"].map((kind) => [kind, t(`jobKind.${kind}`)]);
  return [
    el("h1", {}, t("training.title")),
    sections(),
    card(t("training.begin"), choices(t("training.kind"), kinds, "train", show), place),
    el("h2", {}, t("training.own")),
    list.element,
  ];
}
