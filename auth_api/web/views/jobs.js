// Jobs: upload many pictures to be recognised, and follow the jobs.

import { showError } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { card, radioGroup } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { replaceQuery } from "../modules/router.js";
import { currentUser, hasRole } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { allJobs } from "./jobs/all-jobs.js";
import { uploadForm } from "./jobs/upload.js";
import { jobList } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";

export default async function view({ query, signal }) {
  const place = el("div", { class: "stack" });
  let controller = null;
  const show = async (owner) => {
    controller?.abort();
    controller = new AbortController();
    fill(place, await (owner === "all" ? allJobs : ownJobs)(controller.signal));
  };
  signal.addEventListener("abort", () => controller.abort());
  const switchTo = async (owner) => {
    replaceQuery({ whose: owner });
    try {
      await show(owner);
    } catch (error) {
      showError(place, error);
    }
  };
  const owner = query.whose === "all" && hasRole("admin") ? "all" : "own";
  await show(owner);
  const options = ["own", "all"].map((each) => [each, t(`jobs.whose.${each}`)]);
  return [
    el("h1", {}, t("jobs.title")),
    sections(),
    hasRole("admin") ? radioGroup(t("jobs.whose"), options, owner, switchTo) : null,
    place,
  ];
}

async function ownJobs(signal) {
  const [{ models }, list] = await Promise.all([
    get("/api/models/", {}, { signal }),
    jobList({
      load: (cursor) => get("/api/jobs/", { cursor }, { signal }),
      empty: t("jobs.none"),
      signal,
    }),
  ]);
  const recognisers = models.map(({ name }) => name).filter((name) => name !== "similarity");
  return [
    card(t("jobs.handIn"), uploadForm(recognisers, signal)),
    el("h2", {}, t("jobs.of", { name: currentUser().username })),
    list.element,
  ];
}
