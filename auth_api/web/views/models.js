// Models: which are served, in which version, and whether they are ready.

import { get } from "../modules/api.js";
import { badge } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { keepFresh } from "../modules/refreshing.js";
import { href } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { trafficBar } from "./model/traffic-bar.js";
import { mainFigure } from "./model/versions.js";
import { facts, share } from "./operate/facts.js";
import { sections } from "./operate/sections.js";

export default async function view({ signal }) {
  const load = () => get("/api/models/", {}, { signal });
  const shown = await load();
  const place = el("div", { class: "cards" });
  const show = ({ models }) => fill(place, models.map(modelCard));
  show(shown);
  keepFresh({ place, load, show, shown, signal });
  return [
    el("h1", {}, t("models.title")),
    sections(),
    el("p", { class: "hint" }, t("models.hint")),
    place,
  ];
}

function modelCard(model) {
  const current = model.versions.find((version) => version.default);
  const ready = model.versions.reduce((sum, version) => sum + version.workers_ready, 0);
  const wanted = model.versions.reduce((sum, version) => sum + version.workers, 0);
  const figure = current && mainFigure(current);
  const isReady = model.state === "ready";
  return el(
    "section",
    { class: "card stack" },
    el(
      "div",
      { class: "row spread" },
      el("h2", {}, el("a", { href: href(`/models/${model.name}`) }, model.name)),
      badge(isReady ? t("models.ready") : t("models.notReady"), isReady ? "good" : "bad"),
    ),
    el("p", {}, t(`models.what.${model.name}`)),
    isReady ? null : el("p", { class: "notice error" }, model.state),
    facts([
      [t("models.default"), model.default],
      [t("models.workers"), t("models.workersOf", { ready, wanted })],
      ...(figure ? [[figure.name, share(figure.value)]] : []),
    ]),
    trafficBar(model.traffic),
  );
}
