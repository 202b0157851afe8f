// A job: how far it is, as it goes on, and what comes of it.

import { action, complain, confirming } from "../modules/actions.js";
import { download, get, remove } from "../modules/api.js";
import { pause } from "../modules/connection.js";
import { el, fill } from "../modules/dom.js";
import { events } from "../modules/events.js";
import { moment, t } from "../modules/strings.js";
import { progressOf } from "./job/progress.js";
import { results } from "./job/results.js";
import { training } from "./job/training.js";
import { isUnfinished, jobName } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";

// Seconds between looks at the results of a job that goes on: all of them come each time.
const LOOK = 4;

export default async function view({ parameters, signal }) {
  const path = `/api/jobs/${encodeURIComponent(parameters.id)}/`;
  const first = await get(path, {}, { signal });
  const reads = first.kind === "predict";
  const said = el("div", {});
  const state = progressOf();
  const came = reads ? results(first.model) : training(first.model);
  const ways = el("div", { class: "row" });
  const save = () =>
    download(`${path}results.csv/`, `ranjana-job-${first.id}.csv`, { accept: "*/*" });
  const csv = reads ? action(t("job.csv"), save, said) : null;

  let job = first;
  const show = async (now) => {
    job = { ...job, ...now };
    state.show(job);
    await came.show(job);
  };
  const cancel = async () => {
    await show(await remove(path));
    fill(ways, csv);
    if (csv) csv.focus();
    else state.element.focus();
  };
  const asked = confirming({
    label: t("job.cancel"),
    name: jobName(first),
    why: t("job.cancel.sure"),
    kind: "danger",
    act: cancel,
  });
  const finish = async () => {
    if (ways.contains(document.activeElement)) state.element.focus();
    fill(ways, csv);
    await show(await get(path, {}, { signal }));
  };

  await show(first);
  fill(ways, csv, isUnfinished(first) ? asked : null);
  if (isUnfinished(first)) {
    follow(path, show, finish, signal).catch((problem) => complain(said, problem));
    if (reads)
      look(
        path,
        (now) => came.show({ ...job, results: now.results }),
        () => job,
        signal,
      );
  }
  return [
    el("h1", {}, jobName(first)),
    sections(),
    el(
      "section",
      { class: "card stack" },
      state.element,
      said,
      el("p", { class: "hint small" }, t("job.handedIn", { moment: moment(first.created_at) })),
      ways,
    ),
    came.element,
  ];
}

/** Shows what the service tells of a job, until it is finished. */
async function follow(path, show, finish, signal) {
  for await (const { event, data } of events(`${path}events/`, signal)) {
    if (event === "done") return finish();
    await show(data);
  }
  return null;
}

/** Looks at the results that there are so far, while the job goes on. */
async function look(path, show, current, signal) {
  while (isUnfinished(current())) {
    try {
      await pause(LOOK, signal);
      if (isUnfinished(current())) show(await get(path, {}, { signal }));
    } catch {
      if (signal.aborted) return;
      // The line about the connection says it; the next look may succeed.
    }
  }
}
