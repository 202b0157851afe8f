// Lists of jobs, which follow those that are under way.

import { pause } from "../../modules/connection.js";
import { el, fill } from "../../modules/dom.js";
import { paged } from "../../modules/pages.js";
import { badge } from "../../modules/parts.js";
import { href } from "../../modules/router.js";
import { moment, percent, t } from "../../modules/strings.js";

const UNFINISHED = ["queued", "running"];
const MOODS = { succeeded: "good", failed: "bad" };
// Seconds between looks at the jobs that are under way.
const LOOK = 3;

/** The state of a job as a badge. */
export const stateBadge = ({ state, cancelling }) =>
  badge(t(cancelling ? "jobState.cancelling" : `jobState.${state}`), MOODS[state]);

/** Whether a job is still to come to its end. */
export const isUnfinished = ({ state }) => UNFINISHED.includes(state);

/** What a job is called. */
export const jobName = ({ id, kind, model, outcome }) =>
  t(`job.name.${kind}`, {
    id: String(id),
    model: [model, outcome?.version].filter(Boolean).join(" "), // a version is known once it runs
  });

/** What became of the pictures of a job, null of a training. */
export function countsOf({ kind, counts }) {
  if (kind !== "predict") return null;
  const { total, succeeded, failed } = counts;
  return t(failed ? "job.counts.failed" : "job.counts", { count: total, succeeded, failed });
}

/**
 * The jobs that `load(cursor)` answers, linked where `mine(job)`. `signal` ends looking after them.
 * @returns {Promise<{element: Element, start: () => Promise<void>}>} `start` lists them anew
 */
export async function jobList({
  load,
  mine = () => true,
  note = () => null,
  empty = t("state.empty"),
  signal,
}) {
  const list = el("ul", { class: "jobs" });
  const shown = new Map();
  const show = (job) => {
    const row = rowOf(job, mine(job), note(job));
    shown.set(job.id, row);
    return row.element;
  };
  const pages = paged({ list, load, show, empty: () => empty });
  const start = async () => {
    shown.clear();
    await pages.start();
  };
  await start();
  follow(shown, load, signal);
  return { element: el("div", { class: "stack" }, list, pages.element), start };
}

/** Looks again and again at those of the first page that are under way. */
async function follow(shown, load, signal) {
  while (!signal.aborted) {
    try {
      await pause(LOOK, signal);
      const waiting = [...shown.values()].some((row) => isUnfinished(row.job()));
      if (!waiting || document.hidden) continue;
      for (const job of (await load(null)).results) shown.get(job.id)?.show(job);
    } catch {
      // The line about the connection says it; the next look may succeed.
    }
  }
}

function rowOf(first, mine, note) {
  let job = first;
  const state = el("span", {});
  const progress = el("div", {});
  const name = jobName(job);
  const element = el(
    "li",
    { class: "card" },
    el(
      "div",
      { class: "row spread" },
      mine ? el("a", { href: href(`/jobs/${job.id}`) }, name) : el("span", {}, name),
      state,
    ),
    el(
      "p",
      { class: "hint small" },
      [moment(job.created_at), countsOf(job), note].filter(Boolean).join(" · "),
    ),
    progress,
  );
  const show = (now) => {
    job = now;
    fill(state, stateBadge(job));
    fill(progress, job.state === "running" ? bar(job) : null);
  };
  show(first);
  return { element, show, job: () => job };
}

const bar = (job) =>
  el("progress", {
    max: 1,
    value: job.progress,
    "aria-label": t("job.progress", { share: percent(job.progress) }),
  });
