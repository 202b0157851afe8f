// What was recognised and compared, newest first.

import { attempt } from "../modules/actions.js";
import { get, remove } from "../modules/api.js";
import { loadCharacters } from "../modules/characters.js";
import { el, fill } from "../modules/dom.js";
import { paged } from "../modules/pages.js";
import { privatePictures } from "../modules/private-pictures.js";
import { href, noteQuery } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { waysBetween } from "../modules/ways.js";
import { openComparison } from "./history/comparison.js";
import { comparison, nothing, recognition } from "./history/entries.js";
import { exportButtons } from "./history/exporting.js";
import { characterFilter, meaning } from "./history/filter.js";

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
  const picture = privatePictures(t("history.noPicture"), signal);
  const list = el("ol", { class: "entries", "aria-label": t(`history.${kind}`) });
  const said = el("div", { class: "hint said", role: "status", tabindex: "-1" });

  const drop = async (entry) => {
    await remove(`${PATHS[kind]}${entry.id}/`, { signal });
    const beside = pages.drop(list.querySelector(`[data-id="${entry.id}"]`));
    fill(said, t("history.deleted"));
    (beside?.querySelector(".confirming button") ?? said).focus();
  };
  const open = (entry) => openComparison(entry, picture, signal);
  const itemOf = (entry) => {
    const options = { picture, classes, open, drop };
    const item = kind === "compared" ? comparison(entry, options) : recognition(entry, options);
    item.dataset.id = entry.id;
    return item;
  };
  const tell = (count) => fill(said, count ? t("history.shown", { count }) : null);
  const pages = paged({
    list,
    load: (cursor) => matching(kind, filter, cursor, signal),
    show: itemOf,
    empty: () => nothing(kind, filter !== ""),
    grown: tell,
  });
  const choose = async (value) => {
    filter = value;
    noteQuery({ kind: kind === "compared" ? kind : null, class: value });
    list.setAttribute("aria-busy", "true");
    await attempt(async () => {
      await pages.start();
      tell(list.children.length);
    }, said);
    list.removeAttribute("aria-busy");
  };

  await pages.start();
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
    pages.element,
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
  waysBetween(
    t("history.kinds"),
    Object.keys(PATHS).map((each) => [
      href("/history", { kind: each === "compared" ? each : null }),
      t(`history.${each}`),
      each === kind,
    ]),
  );
