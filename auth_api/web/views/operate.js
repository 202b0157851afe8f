// Operate: requests, latency and confidence of the service.

import { showError } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { radioGroup } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { keepFresh } from "../modules/refreshing.js";
import { replaceQuery } from "../modules/router.js";
import { hasRole } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";
import { statsCards } from "./operate/service-stats.js";
import { usageCards } from "./operate/usage.js";

// Time ranges and bucket sizes (API: /api/analytics/system/).
const RANGES = {
  day: { days: 1, bucket: "hour" },
  week: { days: 7, bucket: "day" },
  month: { days: 30, bucket: "day" },
  quarter: { days: 91, bucket: "day" },
  year: { days: 365, bucket: "day" },
};

export default async function view({ query, signal }) {
  const chosen = {
    range: query.range in RANGES ? query.range : "month",
    model: query.model ?? "",
  };
  const place = el("div", { class: "stack" });
  const announcement = el("p", { class: "visually-hidden", role: "status" }); // the total only
  let round = 0;
  let usage = null;

  const loadUsage = () => {
    const options = { ...RANGES[chosen.range], model: chosen.model };
    return get("/api/analytics/system/", options, { signal });
  };
  const loadStats = () => (hasRole("admin") ? get("/api/admin/stats/", {}, { signal }) : null);
  const show = async () => {
    const ownRound = ++round;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await loadUsage();
      if (ownRound !== round) return;
      usage = answer;
      fill(place, usageCards(answer));
      fill(announcement, `${t("use.requests")}: ${number(answer.totals.requests)}`);
    } finally {
      if (ownRound === round) place.setAttribute("aria-busy", "false");
    }
  };
  const change = async (choice) => {
    Object.assign(chosen, choice);
    replaceQuery(chosen);
    try {
      await show();
    } catch (error) {
      showError(place, error);
    }
  };

  const [{ models }, stats] = await Promise.all([
    get("/api/models/", {}, { signal }),
    loadStats(),
    show(),
  ]);
  const refreshUsage = async () => {
    const ownRound = round;
    const answer = await loadUsage();
    return ownRound === round ? answer : usage; // something else was chosen meanwhile
  };
  const showUsage = (answer) => fill(place, usageCards(answer));
  keepFresh({ place, load: refreshUsage, show: showUsage, shown: usage, signal });
  const statsPlace = el("div", {});
  const showStats = (answer) => fill(statsPlace, statsCards(answer));
  if (stats) {
    showStats(stats);
    keepFresh({ place: statsPlace, load: loadStats, show: showStats, shown: stats, signal });
  }
  const names = [["", t("operate.allModels")], ...models.map(({ name }) => [name, name])];
  const model = select(names, chosen.model, {
    on: { change: (event) => change({ model: event.target.value }) },
  });
  const ranges = Object.keys(RANGES).map((name) => [name, t(`operate.range.${name}`)]);
  return [
    el("h1", {}, t("operate.title")),
    sections(),
    el(
      "div",
      { class: "row spread controls" },
      radioGroup(t("operate.range"), ranges, chosen.range, (range) => change({ range })),
      field(t("operate.model"), model).element,
    ),
    announcement,
    place,
    statsPlace,
  ];
}
