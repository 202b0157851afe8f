// Operate: how much the service is asked, how quickly and how surely it answers.

import { complain } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { choices } from "../modules/pad-tools.js";
import { noteQuery } from "../modules/router.js";
import { mayAct } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";
import { service } from "./operate/service.js";
import { use } from "./operate/use.js";

// What may be looked at: so many days in such steps (API: /api/analytics/system/).
const RANGES = {
  day: { days: 1, bucket: "hour" },
  week: { days: 7, bucket: "day" },
  month: { days: 30, bucket: "day" },
  quarter: { days: 91, bucket: "day" },
  year: { days: 365, bucket: "day" },
};

export default async function view({ query, signal }) {
  const wanted = { range: query.range in RANGES ? query.range : "month", model: query.model ?? "" };
  const place = el("div", { class: "stack" });
  const said = el("p", { class: "visually-hidden", role: "status" }); // not all of the charts
  let asked = 0;

  const show = async () => {
    const mine = ++asked;
    place.setAttribute("aria-busy", "true");
    const options = { ...RANGES[wanted.range], model: wanted.model };
    try {
      const answer = await get("/api/analytics/system/", options, { signal });
      if (mine !== asked) return;
      fill(place, use(answer));
      fill(said, `${t("use.requests")}: ${number(answer.totals.requests)}`);
    } finally {
      if (mine === asked) place.setAttribute("aria-busy", "false");
    }
  };
  const change = async (choice) => {
    Object.assign(wanted, choice);
    noteQuery(wanted);
    try {
      await show();
    } catch (problem) {
      complain(place, problem);
    }
  };

  const [{ models }, stats] = await Promise.all([
    get("/api/models/", {}, { signal }),
    mayAct("admin") ? get("/api/admin/stats/", {}, { signal }) : null,
    show(),
  ]);
  const names = [["", t("operate.allModels")], ...models.map(({ name }) => [name, name])];
  const model = select(names, wanted.model, {
    on: { change: (event) => change({ model: event.target.value }) },
  });
  const ranges = Object.keys(RANGES).map((name) => [name, t(`operate.range.${name}`)]);
  return [
    el("h1", {}, t("operate.title")),
    sections(),
    el(
      "div",
      { class: "row spread controls" },
      choices(t("operate.range"), ranges, wanted.range, (range) => change({ range })),
      field(t("operate.model"), model).element,
    ),
    said,
    place,
    stats ? service(stats) : null,
  ];
}
