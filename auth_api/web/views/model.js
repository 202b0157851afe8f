// A model: versions, evaluation, traffic split and corrections.

import { get } from "../modules/api.js";
import { badge } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { href } from "../modules/router.js";
import { hasRole } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { tabLinks } from "../modules/tabs.js";
import { card as cardPart } from "./model/card.js";
import { corrections } from "./model/corrections.js";
import { figures } from "./model/figures.js";
import { release } from "./model/release.js";
import { versions } from "./model/versions.js";
import { sections } from "./operate/sections.js";

// `role` is the lowest role for a part; `comparisons`: whether the model `similarity` has it.
const PARTS = {
  versions: { show: versions, comparisons: true },
  card: { show: cardPart, comparisons: true },
  figures: { show: figures, role: "analyst", comparisons: true },
  release: { show: release, role: "ml-engineer", comparisons: true },
  corrections: { show: corrections, role: "data-scientist", comparisons: false },
};

export default async function view({ parameters, query, signal }) {
  const model = await get(`/api/models/${encodeURIComponent(parameters.name)}/`, {}, { signal });
  const isSimilarity = model.name === "similarity";
  const visible = Object.entries(PARTS).filter(
    ([, { role, comparisons }]) => (!role || hasRole(role)) && (!isSimilarity || comparisons),
  );
  const [name, part] = visible.find(([each]) => each === query.part) ?? visible[0];
  const path = `/models/${model.name}`;
  const links = visible.map(([each]) => [
    href(path, each === visible[0][0] ? {} : { part: each }),
    t(`model.part.${each}`),
    each === name,
  ]);
  const ready = model.state === "ready";
  return [
    el("h1", {}, t("model.heading", { name: model.name })),
    sections(),
    el(
      "div",
      { class: "row" },
      badge(ready ? t("models.ready") : t("models.notReady"), ready ? "good" : "bad"),
      el("span", { class: "hint" }, t(`models.what.${model.name}`)),
    ),
    ready ? null : el("p", { class: "notice error" }, model.state),
    tabLinks(t("model.parts"), links),
    await part.show({ model, query, signal }),
  ];
}
