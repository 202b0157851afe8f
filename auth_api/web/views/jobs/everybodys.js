// The jobs of all users, for administrators.

import { attempt } from "../../modules/actions.js";
import { get } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { currentUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";
import { jobList } from "../operate/job-list.js";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];
const KINDS = ["predict", "train", "tune"];

/** The list with its filters. */
export async function everybodys(signal) {
  const wanted = { state: "", kind: "" };
  const said = el("div", {});
  const me = currentUser().id;
  const list = await jobList({
    load: (cursor) => get("/api/admin/jobs/", { ...wanted, cursor }, { signal }),
    mine: (job) => job.user_id === me,
    note: (job) => t("jobs.user", { id: String(job.user_id) }),
    signal,
  });
  const filter = (name, values, key) => {
    const options = values.map((value) => [value, t(`${key}.${value}`)]);
    const change = (event) => {
      wanted[name] = event.target.value;
      return attempt(list.start, said);
    };
    const control = select([["", t("jobs.any")], ...options], "", { on: { change } });
    return field(t(`jobs.${name}`), control).element;
  };
  return [
    el(
      "div",
      { class: "row controls" },
      filter("state", STATES, "jobState"),
      filter("kind", KINDS, "jobKind"),
    ),
    said,
    list.element,
  ];
}
