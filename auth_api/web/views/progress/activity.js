// How much was drawn on each of the last days.

import { get } from "../../modules/api.js";
import { barChart } from "../../modules/charts.js";
import { el, fill } from "../../modules/dom.js";
import { failed } from "../../modules/router.js";
import { locales, number, t } from "../../modules/strings.js";

// Fewer where their names would not be readable side by side.
const DAYS = matchMedia("(max-width: 42rem)").matches ? 14 : 30;

/** The card with the chart; hidden from who has drawn nothing on these days. */
export async function activity(signal) {
  const place = el("section", { class: "card stack activity", hidden: true });
  const load = async () => {
    try {
      const answer = await get("/api/analytics/me/", { days: DAYS }, { signal });
      place.hidden = answer.totals.answers === 0;
      fill(place, el("h2", {}, t("progress.activity", { count: DAYS })), chart(answer.days));
    } catch (problem) {
      if (signal.aborted) return;
      place.hidden = false;
      fill(place, el("h2", {}, t("progress.activity", { count: DAYS })), failed(problem, load));
    }
  };
  await load();
  return place;
}

function chart(days) {
  const short = new Intl.DateTimeFormat(locales(), {
    day: "numeric",
    month: "numeric",
    timeZone: "UTC", // as the service counts these days
  });
  const bars = days.map((each) => ({
    name: short.format(new Date(each.day)),
    value: each.answers,
  }));
  return barChart({ label: t("progress.activity.label"), bars, y: (value) => number(value) });
}
