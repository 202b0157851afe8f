// How far a job is: its state, a bar, and what was counted.

import { el, fill } from "../../modules/dom.js";
import { percent, t } from "../../modules/strings.js";
import { countsOf, stateBadge } from "../operate/job-list.js";

/** `element`, and `show(job)` whenever it has got any further. */
export function progressOf() {
  const state = el("span", { role: "status" });
  const bar = el("progress", { max: 1, "aria-label": t("job.progress.label") });
  const done = el("span", {});
  const counts = el("p", { class: "hint" });
  const wrong = el("div", {});
  const element = el(
    "div",
    { class: "stack tight", tabindex: "-1" },
    el("div", { class: "row spread" }, state, done),
    bar,
    counts,
    wrong,
  );
  let stated = null;
  const show = (job) => {
    const word = job.cancelling ? "cancelling" : job.state;
    if (word !== stated) fill(state, stateBadge(job)); // said aloud only when it changes
    stated = word;
    bar.value = job.progress;
    fill(done, percent(job.progress));
    fill(counts, stage(job));
    fill(wrong, job.error ? el("p", { class: "notice error", role: "alert" }, job.error) : null);
  };
  return { element, show };
}

/** What a job does at the moment, as far as that can be said. */
function stage(job) {
  if (job.state === "queued") return t("job.waiting");
  const ends = job.state === "running" && job.kind !== "predict" && job.progress === 1;
  return ends ? t("job.finishing") : countsOf(job);
}
