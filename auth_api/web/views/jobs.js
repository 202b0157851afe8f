// Jobs: many pictures handed in at once and read later, and how far they are.

import { complain } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { choices } from "../modules/pad-tools.js";
import { card } from "../modules/parts.js";
import { noteQuery } from "../modules/router.js";
import { currentUser, mayAct } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { everybodys } from "./jobs/everybodys.js";
import { handIn } from "./jobs/hand-in.js";
import { jobList } from "./operate/job-list.js";
import { sections } from "./operate/sections.js";

export default async function view({ query, signal }) {
  const place = el("div", { class: "stack" });
  let closing = null;
  const show = async (whose) => {
    closing?.abort();
    closing = new AbortController();
    fill(place, await (whose === "all" ? everybodys : own)(closing.signal));
  };
  signal.addEventListener("abort", () => closing.abort());
  const choose = async (whose) => {
    noteQuery({ whose });
    try {
      await show(whose);
    } catch (problem) {
      complain(place, problem);
    }
  };
  const whose = query.whose === "all" && mayAct("admin") ? "all" : "own";
  await show(whose);
  const options = ["own", "all"].map((each) => [each, t(`jobs.whose.${each}`)]);
  return [
    el("h1", {}, t("jobs.title")),
    sections(),
    mayAct("admin") ? choices(t("jobs.whose"), options, whose, choose) : null,
    place,
  ];
}

async function own(signal) {
  const [{ models }, list] = await Promise.all([
    get("/api/models/", {}, { signal }),
    jobList({
      load: (cursor) => get("/api/jobs/", { cursor }, { signal }),
      empty: t("jobs.none"),
      signal,
    }),
  ]);
  const readers = models.map(({ name }) => name).filter((name) => name !== "similarity");
  return [
    card(t("jobs.handIn"), handIn(readers, signal)),
    el("h2", {}, t("jobs.of", { name: currentUser().username })),
    list.element,
  ];
}
