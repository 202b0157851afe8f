// Training: start a training or a tuning, and follow the earlier ones.

import { get } from "../modules/api.js";
import { card, radioGroup } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { t } from "../modules/strings.js";
import { jobList } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";
import { trainingForm } from "./training/form.js";

// Large, because the prediction jobs of a page are left out.
const PAGE_SIZE = 100;

export default async function view({ query, signal }) {
  const load = async (cursor) => {
    const page = await get("/api/jobs/", { limit: PAGE_SIZE, cursor }, { signal });
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
    card(t("training.begin"), radioGroup(t("training.kind"), kinds, "train", show), place),
    el("h2", {}, t("training.own")),
    list.element,
  ];
}
