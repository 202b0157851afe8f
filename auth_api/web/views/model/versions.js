// The versions of a model, and the actions for each.

import { actionButton, confirmButton } from "../../modules/actions.js";
import { download, put, remove } from "../../modules/api.js";
import { badge, linkButton } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { field, form } from "../../modules/forms.js";
import { href, render } from "../../modules/router.js";
import { hasRole } from "../../modules/session.js";
import { moment, number, percent, t } from "../../modules/strings.js";
import { facts, interval, share } from "../operate/facts.js";
import { fixedSetCard, promotionWarning } from "./fixed-set.js";
import { wilson } from "./wilson.js";

/** The part "versions". */
export function versions({ model }) {
  return [
    fixedSetCard(model),
    el(
      "div",
      { class: "cards" },
      model.versions.map((version) => versionCard(model, version)),
    ),
  ];
}

/** The main metric of a version: `{name, value, pictures}`, or null. */
export function mainFigure({ figures }) {
  if (!figures) return null;
  const name = "top1" in figures ? "top1" : "accuracy";
  if (typeof figures[name] !== "number") return null;
  return { name: t(`figure.${name}`), value: figures[name], pictures: figures.pictures };
}

/** A fact: a fraction of `pictures` with its 95 % interval. */
export function shareWithInterval(name, value, pictures) {
  const [low, high] = pictures ? wilson(value, pictures) : [null, null];
  return [name, share(value), interval(low, high, (each) => percent(each, 1))];
}

function versionCard(model, version) {
  const figure = mainFigure(version);
  const errors = el("div", {});
  return el(
    "section",
    { class: "card stack" },
    el(
      "div",
      { class: "row" },
      el("h2", {}, t("version.heading", { version: version.version })),
      version.default ? badge(t("version.default")) : null,
      badge(t(`version.state.${version.state}`), version.state === "ready" ? "good" : "bad"),
    ),
    facts([
      [t("version.traffic"), percent(version.traffic / 100, 1)],
      [
        t("models.workers"),
        t("models.workersOf", { ready: version.workers_ready, wanted: version.workers }),
      ],
      ...(figure ? [shareWithInterval(figure.name, figure.value, figure.pictures)] : []),
      [t("version.pictures"), figure && number(figure.pictures)],
      [t("version.waiting"), version.waiting],
      [t("version.batch"), version.batch_size],
      [t("version.changed"), moment(version.changed_at)],
      [t("version.archive"), version.archive],
    ]),
    version.figures?.data
      ? el("p", { class: "hint small", lang: "en" }, version.figures.data)
      : null,
    el("div", { class: "row" }, versionActions(model, version, errors)),
    hasRole("ml-engineer") ? workersForm(model, version) : null,
    errors,
  );
}

function versionActions(model, version, errors) {
  const { name } = model;
  const values = { name, version: version.version };
  const path = `/api/models/${name}/`;
  const heading = t("version.heading", values);
  const worse = promotionWarning(model, version);
  const unused = !version.default && !version.traffic;
  const isOlder =
    model.versions.indexOf(version) > model.versions.findIndex((each) => each.default);
  const isPrevious = isOlder && version.version === model.previous;
  return [
    hasRole("analyst")
      ? linkButton(
          t("model.part.figures"),
          href(`/models/${name}`, { part: "figures", version: version.version }),
        )
      : null,
    hasRole("data-scientist")
      ? actionButton(
          t("version.export"),
          () =>
            download(`${path}export/`, `${name}-${version.version}.mar`, {
              query: { version: version.version },
              accept: "*/*",
            }),
          errors,
        )
      : null,
    hasRole("ml-engineer") && !version.default
      ? confirmButton({
          label: t(isPrevious ? "version.rollBack" : "version.promote"),
          name: heading,
          why: [worse, t("version.promote.sure", values)].filter(Boolean).join(" "),
          confirmKind: worse ? "danger" : "primary",
          act: async () => {
            await put(`${path}default/`, { version: version.version });
            await render();
          },
        })
      : null,
    hasRole("ml-engineer") && unused
      ? confirmButton({
          label: t("version.remove"),
          name: heading,
          why: t("version.remove.sure", values),
          kind: "danger",
          act: async () => {
            await remove(`${path}versions/${version.version}/`);
            await render();
          },
        })
      : null,
  ];
}

function workersForm(model, version) {
  const limits = { type: "number", min: 1, max: 1000, required: true };
  const control = el("input", { value: version.workers, ...limits });
  const fields = {
    workers: field(t("models.workers"), control, { hint: t("version.scale.hint") }),
  };
  const send = async ({ workers }) => {
    const path = `/api/models/${model.name}/versions/${version.version}/`;
    await put(path, { workers: Number(workers) });
    await render();
  };
  return el(
    "details",
    {},
    el("summary", {}, t("version.scale")),
    form({ fields, submit: t("action.save"), send }),
  );
}
