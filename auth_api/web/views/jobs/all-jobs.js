// The jobs of all users, for administrators.

import { attempt } from "../../modules/actions.js";
import { get } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { currentUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { JOB_STATES, jobList } from "../operate/job-list.js";

const KINDS = ["predict", "train", "tune"];

/** The list, with filters. */
export async function allJobs(signal) {
  const filters = { state: "", kind: "" };
  const errors = el("div", {});
  const me = currentUser().id;
  const list = await jobList({
    load: (cursor) => get("/api/admin/jobs/", { ...filters, cursor }, { signal }),
    query: (job) => (job.user_id === me ? {} : { whose: "all" }),
    note: (job) => t("jobs.user", { id: String(job.user_id) }),
    signal,
  });
  const filter = (name, values, key) => {
    const options = values.map((value) => [value, t(`${key}.${value}`)]);
    const change = (event) => {
      filters[name] = event.target.value;
      return attempt(list.reload, errors);
    };
    const control = select([["", t("jobs.any")], ...options], "", { on: { change } });
    return field(t(`jobs.${name}`), control).element;
  };
  return [
    el(
      "div",
      { class: "row controls" },
      filter("state", JOB_STATES, "jobState"),
      filter("kind", KINDS, "jobKind"),
    ),
    errors,
    list.element,
  ];
}
