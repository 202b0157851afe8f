// The progress of a job: state, bar and counts.

import { el, fill } from "../../modules/dom.js";
import { percent, t } from "../../modules/strings.js";
import { pictureCounts, stateBadge } from "../operate/job-list.js";

/** `{element, show}`: `show(job)` updates the element. */
export function jobProgress() {
  const state = el("span", { role: "status" });
  const bar = el("progress", { max: 1, "aria-label": t("job.progress.label") });
  const percentDone = el("span", {});
  const counts = el("p", { class: "hint" });
  const errors = el("div", {});
  const element = el(
    "div",
    { class: "stack tight", tabindex: "-1" },
    el("div", { class: "row spread" }, state, percentDone),
    bar,
    counts,
    errors,
  );
  let shownState = null;
  const show = (job) => {
    const word = job.cancelling ? "cancelling" : job.state;
    if (word !== shownState) fill(state, stateBadge(job)); // announced only when it changes
    shownState = word;
    bar.value = job.progress;
    fill(percentDone, percent(job.progress));
    fill(counts, stage(job));
    fill(errors, job.error ? el("p", { class: "notice error", role: "alert" }, job.error) : null);
  };
  return { element, show };
}

/** The current stage of a job in words, or its counts. */
function stage(job) {
  if (job.state === "queued") return t("job.waiting");
  const ends = job.state === "running" && job.kind !== "predict" && job.progress === 1;
  return ends ? t("job.finishing") : pictureCounts(job);
}
