// A job: its progress and its results, live. Administrators see the progress of anyone's.

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

export default async function view({ parameters, query, signal }) {
  const isOwn = query.whose !== "all";
  const path = `/api/${isOwn ? "" : "admin/"}jobs/${encodeURIComponent(parameters.id)}/`;
  const first = await get(path, {}, { signal });
  const hasResults = isOwn && first.kind === "predict";
  const errors = el("div", {});
  const state = jobProgress();
  const outcome = hasResults ? results(first.model) : training(first.model);
  const buttons = el("div", { class: "row" });
  const save = () =>
    download(`${path}results.csv/`, `ranjana-job-${first.id}.csv`, { accept: "*/*" });
  const csv = hasResults ? actionButton(t("job.csv"), save, errors) : null;

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
  if (isUnfinished(first) && isOwn)
    followEvents(path, show, finish, signal).catch((error) => showError(errors, error));
  if (isUnfinished(first) && (hasResults || !isOwn))
    poll(
      path,
      (update) => {
        if (isOwn) return outcome.show({ ...job, results: update.results });
        return isUnfinished(update) ? show(update) : finish();
      },
      () => job,
      signal,
    );
  const about = [
    t("job.handedIn", { moment: moment(first.created_at) }),
    isOwn ? null : t("jobs.user", { id: String(first.user_id) }),
  ];
  return [
    el("h1", {}, jobName(first)),
    sections(),
    el(
      "section",
      { class: "card stack" },
      state.element,
      errors,
      el("p", { class: "hint small" }, about.filter(Boolean).join(" · ")),
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

/** Polls the job while it runs: its results, or the state of someone else's. */
async function poll(path, show, current, signal) {
  while (isUnfinished(current())) {
    try {
      await pause(POLL_SECONDS, signal);
      if (isUnfinished(current())) await show(await get(path, {}, { signal }));
    } catch {
      if (signal.aborted) return;
      // modules/connection.js shows the problem. The next poll may succeed.
    }
  }
}
