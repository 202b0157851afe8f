// Statistics of the service, for administrators.

import { card } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { ROLES } from "../../modules/session.js";
import { moment, number, t } from "../../modules/strings.js";
import { facts } from "./facts.js";
import { JOB_STATES } from "./job-list.js";

/** The cards for a response of `/api/admin/stats/`. */
export function statsCards({ users, jobs, feedback, volume, storage, software, since }) {
  const { media_disk_free: free, media_disk_total: total } = storage;
  return el(
    "div",
    { class: "two" },
    card(
      t("service.users"),
      facts([
        [t("service.users.all"), number(users.total), t("service.users.new", { count: users.new })],
        [t("service.users.active"), number(users.active)],
        ...ROLES.map((role) => [t(`role.${role}`), number(users.by_role[role] ?? 0)]),
      ]),
    ),
    card(
      t("service.work"),
      facts([
        [t("service.answers"), number(volume.total.answers)],
        [t("service.feedback"), number(feedback.last_30_days)],
        ...JOB_STATES.map((state) => [t(`jobState.${state}`), number(jobs[state] ?? 0)]),
      ]),
    ),
    card(
      t("service.storage"),
      facts([
        [t("service.database"), bytes(storage.database)],
        [t("service.free"), bytes(free), t("service.ofTotal", { total: bytes(total) })],
      ]),
    ),
    card(
      t("service.software"),
      facts([
        ...Object.entries(software).map(([name, version]) => [name, version]),
        [t("service.since"), moment(since)],
      ]),
    ),
  );
}

function bytes(count) {
  const steps = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), steps.length - 1);
  const unit = { style: "unit", unit: steps[step], maximumFractionDigits: 1 };
  return number(count / 1000 ** step, unit);
}
