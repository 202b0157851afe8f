// A job: its progress and its results, live.

import { actionButton, confirmButton, showError } from "../modules/actions.js";
import { download, get, remove } from "../modules/api.js";
import { pause } from "../modules/connection.js";
import { el, fill } from "../modules/dom.js";
import { serverEvents } from "../modules/events.js";
import { moment, t } from "../modules/strings.js";
import { jobProgress } from "./job/progress.js";
import { results } from "./job/results.js";
import { training } from "./job/training.js";
import { isUnfinished, jobName } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";

// Every poll loads all results so far.
const POLL_SECONDS = 4;

export default async function view({ parameters, signal }) {
  const path = `/api/jobs/${encodeURIComponent(parameters.id)}/`;
  const first = await get(path, {}, { signal });
  const isPrediction = first.kind === "predict";
  const errors = el("div", {});
  const state = jobProgress();
  const outcome = isPrediction ? results(first.model) : training(first.model);
  const buttons = el("div", { class: "row" });
  const save = () =>
    download(`${path}results.csv/`, `ranjana-job-${first.id}.csv`, { accept: "*/*" });
  const csv = isPrediction ? actionButton(t("job.csv"), save, errors) : null;

  let job = first;
  const show = async (update) => {
    job = { ...job, ...update };
    state.show(job);
    await outcome.show(job);
  };
  const cancel = async () => {
    await show(await remove(path));
    fill(buttons, csv);
    if (csv) csv.focus();
    else state.element.focus();
  };
  const cancelButton = confirmButton({
    label: t("job.cancel"),
    name: jobName(first),
    why: t("job.cancel.sure"),
    kind: "danger",
    act: cancel,
  });
  const finish = async () => {
    if (buttons.contains(document.activeElement)) state.element.focus();
    fill(buttons, csv);
    await show(await get(path, {}, { signal }));
  };

  await show(first);
  fill(buttons, csv, isUnfinished(first) ? cancelButton : null);
  if (isUnfinished(first)) {
    followEvents(path, show, finish, signal).catch((error) => showError(errors, error));
    if (isPrediction)
      pollResults(
        path,
        (update) => outcome.show({ ...job, results: update.results }),
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
      errors,
      el("p", { class: "hint small" }, t("job.handedIn", { moment: moment(first.created_at) })),
      buttons,
    ),
    outcome.element,
  ];
}

/** Shows the events of a job until it is finished. */
async function followEvents(path, show, finish, signal) {
  for await (const { event, data } of serverEvents(`${path}events/`, signal)) {
    if (event === "done") return finish();
    await show(data);
  }
  return null;
}

/** Polls the results while the job runs. */
async function pollResults(path, show, current, signal) {
  while (isUnfinished(current())) {
    try {
      await pause(POLL_SECONDS, signal);
      if (isUnfinished(current())) show(await get(path, {}, { signal }));
    } catch {
      if (signal.aborted) return;
      // modules/connection.js shows the problem. The next poll may succeed.
    }
  }
}
