// A model: its versions, how good they are, who gets which, and what users say it got wrong.

import { get } from "../modules/api.js";
import { el } from "../modules/dom.js";
import { badge } from "../modules/parts.js";
import { href } from "../modules/router.js";
import { mayAct } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { waysBetween } from "../modules/ways.js";
import { card as cardPart } from "./model/card.js";
import { corrections } from "./model/corrections.js";
import { figures } from "./model/figures.js";
import { release } from "./model/release.js";
import { versions } from "./model/versions.js";
import { sections } from "./operate/sections.js";

// The parts of the view, for which roles, and whether comparisons have them too.
const PARTS = {
  versions: { show: versions, comparisons: true },
  card: { show: cardPart, comparisons: true },
  figures: { show: figures, role: "analyst", comparisons: true },
  release: { show: release, role: "ml-engineer", comparisons: true },
  corrections: { show: corrections, role: "data-scientist", comparisons: false },
};

export default async function view({ parameters, query, signal }) {
  const model = await get(`/api/models/${encodeURIComponent(parameters.name)}/`, {}, { signal });
  const compares = model.name === "similarity";
  const open = Object.entries(PARTS).filter(
    ([, { role, comparisons }]) => (!role || mayAct(role)) && (!compares || comparisons),
  );
  const [name, part] = open.find(([each]) => each === query.part) ?? open[0];
  const path = `/models/${model.name}`;
  const links = open.map(([each]) => [
    href(path, each === open[0][0] ? {} : { part: each }),
    t(`model.part.${each}`),
    each === name,
  ]);
  const up = model.state === "ready";
  return [
    el("h1", {}, t("model.heading", { name: model.name })),
    sections(),
    el(
      "div",
      { class: "row" },
      badge(up ? t("models.ready") : t("models.notReady"), up ? "good" : "bad"),
      el("span", { class: "hint" }, t(`models.what.${model.name}`)),
    ),
    up ? null : el("p", { class: "notice error" }, model.state),
    waysBetween(t("model.parts"), links),
    await part.show({ model, query, signal }),
  ];
}
