// Lists of jobs that update while jobs run.

import { badge } from "../../modules/components.js";
import { pause } from "../../modules/connection.js";
import { el, fill } from "../../modules/dom.js";
import { paginatedList } from "../../modules/pagination.js";
import { href } from "../../modules/router.js";
import { moment, percent, t } from "../../modules/strings.js";

const MOODS = { succeeded: "good", failed: "bad" };
const POLL_SECONDS = 3;

/** All states of a job; the first two are unfinished. */
export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled"];

/** The state of a job as a badge. */
export const stateBadge = ({ state, cancelling }) =>
  badge(t(cancelling ? "jobState.cancelling" : `jobState.${state}`), MOODS[state]);

/** Whether a job waits or runs. */
export const isUnfinished = ({ state }) => JOB_STATES.slice(0, 2).includes(state);

/** The title of a job. */
export const jobName = ({ id, kind, model, outcome }) =>
  t(`job.name.${kind}`, {
    id: String(id),
    model: [model, outcome?.version].filter(Boolean).join(" "), // a running job has a version
  });

/** The counts of pictures of a job; null for a training. */
export function pictureCounts({ kind, counts }) {
  if (kind !== "predict") return null;
  const { total, succeeded, failed } = counts;
  return t(failed ? "job.counts.failed" : "job.counts", { count: total, succeeded, failed });
}

/**
 * A list of the jobs of `load(cursor)`, each with the remark `note(job)` and a link to its view, with
 * `query(job)`. It updates its jobs and adds new ones on top until `signal` aborts.
 * @returns {Promise<{element: Element, reload: () => Promise<void>}>}
 */
export async function jobList({
  load,
  query = () => ({}),
  note = () => null,
  empty = t("state.empty"),
  signal,
}) {
  const list = el("ul", { class: "jobs" });
  let shown = new Map(); // another one after each reload
  const show = (job) => {
    const row = rowOf(job, query(job), note(job));
    shown.set(job.id, row);
    return row.element;
  };
  const pages = paginatedList({ list, load, show, empty: () => empty });
  const reload = async () => {
    shown = new Map();
    await pages.reload();
  };
  await reload();
  const update = async () => {
    const before = shown;
    const { results } = await load(null);
    if (shown !== before) return; // reloaded meanwhile
    if (results.length && !shown.size) await reload(); // the empty list has a message
    for (const job of results) shown.get(job.id)?.show(job);
    list.prepend(...results.filter(({ id }) => !shown.has(id)).map(show));
  };
  poll(update, signal);
  return { element: el("div", { class: "stack" }, list, pages.element), reload };
}

async function poll(update, signal) {
  while (!signal.aborted) {
    try {
      await pause(POLL_SECONDS, signal);
      if (!document.hidden) await update();
    } catch {
      // modules/connection.js shows the problem. The next poll may succeed.
    }
  }
}

function rowOf(first, query, note) {
  let job = first;
  const state = el("span", {});
  const progress = el("div", {});
  const element = el(
    "li",
    { class: "card" },
    el(
      "div",
      { class: "row spread" },
      el("a", { href: href(`/jobs/${job.id}`, query) }, jobName(job)),
      state,
    ),
    el(
      "p",
      { class: "hint small" },
      [moment(job.created_at), pictureCounts(job), note].filter(Boolean).join(" · "),
    ),
    progress,
  );
  const show = (update) => {
    job = update;
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
