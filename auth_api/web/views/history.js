// What was recognised and compared, newest first.

import { get, remove, sentence } from "../modules/api.js";
import { loadCharacters } from "../modules/characters.js";
import { el, fill } from "../modules/dom.js";
import { whileBusy } from "../modules/forms.js";
import { href, noteQuery } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { openComparison } from "./history/comparison.js";
import { comparison, nothing, recognition } from "./history/entries.js";
import { exportButtons } from "./history/exporting.js";
import { characterFilter, meaning } from "./history/filter.js";
import { privatePictures } from "./history/picture.js";

const PATHS = {
  recognised: "/api/history/predictions/",
  compared: "/api/history/similarities/",
};
const PAGE = 20;

export default async function view({ query, signal }) {
  const kind = query.kind === "compared" ? "compared" : "recognised";
  let filter = /^(digit-\d|[12]?\d|3[0-5])$/.test(query.class ?? "") ? query.class : "";
  if (kind === "compared" && filter.startsWith("digit-")) filter = "";
  const classes = await loadCharacters();
  const picture = privatePictures(signal);
  const list = el("ol", { class: "entries", tabindex: "-1", "aria-label": t(`history.${kind}`) });
  const said = el("p", { class: "hint said", role: "status" });
  const foot = el("div", { class: "row" });

  const drop = async (entry) => {
    await remove(`${PATHS[kind]}${entry.id}/`, { signal });
    const items = [...list.children];
    const index = items.findIndex((item) => item.dataset.id === String(entry.id));
    items[index].remove();
    const beside = items[index + 1] ?? items[index - 1];
    if (!beside && !foot.hasChildNodes()) fill(list, nothing(kind, filter !== ""));
    (beside?.querySelector(".confirming button") ?? list).focus();
    fill(said, t("history.deleted"));
  };
  const open = (entry) => openComparison(entry, picture, signal);
  const itemOf = (entry) => {
    const options = { picture, classes, open, drop };
    const item = kind === "compared" ? comparison(entry, options) : recognition(entry, options);
    item.dataset.id = entry.id;
    return item;
  };

  const load = async (cursor) => {
    const { results, next } = await matching(kind, filter, cursor, signal);
    const items = results.map(itemOf);
    if (cursor === null) fill(list, items.length ? items : nothing(kind, filter !== ""));
    else list.append(...items);
    fill(foot, next ? moreButton(next) : null);
    return items;
  };
  const moreButton = (cursor) => {
    const more = async () => {
      try {
        const items = await whileBusy(button, () => load(cursor));
        const first = items[0]?.querySelector("button");
        if (!button.isConnected) (first ?? list).focus({ preventScroll: true });
        fill(said, t("history.shown", { count: list.children.length }));
      } catch (problem) {
        if (!signal.aborted) fill(said, el("span", { class: "problem" }, sentence(problem)));
      }
    };
    const button = el(
      "button",
      { class: "button", type: "button", on: { click: more } },
      t("action.more"),
    );
    return button;
  };
  const choose = async (value) => {
    filter = value;
    noteQuery({ kind: kind === "compared" ? kind : null, class: value });
    list.setAttribute("aria-busy", "true");
    try {
      await load(null);
      fill(
        said,
        list.querySelector("[data-id]")
          ? t("history.shown", { count: list.children.length })
          : null,
      );
    } catch (problem) {
      if (!signal.aborted) fill(said, el("span", { class: "problem" }, sentence(problem)));
    } finally {
      list.removeAttribute("aria-busy");
    }
  };

  await load(null);
  return [
    el("h1", {}, t("history.title")),
    tabs(kind),
    el(
      "div",
      { class: "row spread history-tools" },
      characterFilter(classes, filter, kind === "recognised", choose),
      exportButtons(signal),
    ),
    said,
    list,
    foot,
  ];
}

/**
 * The next entries that match. The service tells the classes of all models by the same numbers, so
 * that a digit is asked for together with the character of its number.
 */
async function matching(kind, filter, cursor, signal) {
  const wanted = meaning(filter);
  const found = [];
  let next = cursor;
  do {
    const query = { limit: PAGE, class: wanted.class, cursor: next };
    const page = await get(PATHS[kind], query, { signal });
    const fits = (entry) =>
      kind === "compared" || !wanted.model || entry.model.name === wanted.model;
    found.push(...page.results.filter(fits));
    next = page.next;
  } while (next && !found.length);
  return { results: found, next };
}

const tabs = (kind) =>
  el(
    "nav",
    { class: "tabs", "aria-label": t("history.kinds") },
    Object.keys(PATHS).map((each) =>
      el(
        "a",
        {
          href: href("/history", { kind: each === "compared" ? each : null }),
          "aria-current": each === kind ? "page" : null,
        },
        t(`history.${each}`),
      ),
    ),
  );
