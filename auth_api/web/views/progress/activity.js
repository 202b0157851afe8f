// Number of drawings on each of the last days.

import { get } from "../../modules/api.js";
import { barChart } from "../../modules/charts.js";
import { el, fill } from "../../modules/dom.js";
import { errorCard } from "../../modules/router.js";
import { locales, number, t } from "../../modules/strings.js";

// Fewer on a narrow screen, where the dates would not fit.
const DAYS = matchMedia("(max-width: 42rem)").matches ? 14 : 30;

/** The card with the chart. Hidden if there are no drawings on these days. */
export async function activity(signal) {
  const place = el("section", { class: "card stack activity", hidden: true });
  const load = async () => {
    try {
      const answer = await get("/api/analytics/me/", { days: DAYS }, { signal });
      place.hidden = answer.totals.answers === 0;
      fill(place, el("h2", {}, t("progress.activity", { count: DAYS })), chart(answer.days));
    } catch (error) {
      if (signal.aborted) return;
      place.hidden = false;
      fill(place, el("h2", {}, t("progress.activity", { count: DAYS })), errorCard(error, load));
    }
  };
  await load();
  return place;
}

function chart(days) {
  const short = new Intl.DateTimeFormat(locales(), {
    day: "numeric",
    month: "numeric",
    timeZone: "UTC", // the days of the service are in UTC
  });
  const bars = days.map((each) => ({
    name: short.format(new Date(each.day)),
    value: each.answers,
  }));
  return barChart({ label: t("progress.activity.label"), bars, y: (value) => number(value) });
}
