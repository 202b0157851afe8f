// The history of recognitions and comparisons, newest first.

import { attempt } from "../modules/actions.js";
import { get, remove } from "../modules/api.js";
import { loadCharacters } from "../modules/characters.js";
import { el, fill } from "../modules/dom.js";
import { paginatedList } from "../modules/pagination.js";
import { privatePictures } from "../modules/private-pictures.js";
import { href, replaceQuery } from "../modules/router.js";
import { loadStrings, t } from "../modules/strings.js";
import { tabLinks } from "../modules/tabs.js";
import { openComparison } from "./history/comparison.js";
import { comparison, emptyState, recognition } from "./history/entries.js";
import { exportButtons } from "./history/export.js";
import { characterFilter, parseFilter } from "./history/filter.js";

const PATHS = {
  recognised: "/api/history/predictions/",
  compared: "/api/history/similarities/",
};
const PAGE_SIZE = 20;

export default async function view({ query, signal }) {
  const kind = query.kind in PATHS ? query.kind : await newestKind(signal);
  const [classes] = await Promise.all([loadCharacters(), loadStrings("feedback")]);
  const isDigit = kind === "recognised" && /^digit-\d$/.test(query.class);
  const isCharacter = classes.some((each) => String(each.class) === query.class);
  let filter = isDigit || isCharacter ? query.class : "";
  const picture = privatePictures(t("history.noPicture"), signal);
  const list = el("ol", { class: "entries", "aria-label": t(`history.${kind}`) });
  const status = el("div", { class: "hint status", role: "status", tabindex: "-1" });

  const deleteEntry = async (entry) => {
    await remove(`${PATHS[kind]}${entry.id}/`, { signal });
    const neighbour = pages.removeItem(list.querySelector(`[data-id="${entry.id}"]`));
    fill(status, t("history.deleted"));
    (neighbour?.querySelector(".confirming button") ?? status).focus();
  };
  const openDialog = (entry) => openComparison(entry, picture, signal);
  const itemOf = (entry) => {
    const options = { picture, classes, onOpen: openDialog, onDelete: deleteEntry };
    const item = kind === "compared" ? comparison(entry, options) : recognition(entry, options);
    item.dataset.id = entry.id;
    return item;
  };
  const announceCount = (count) => fill(status, count ? t("history.shown", { count }) : null);
  const pages = paginatedList({
    list,
    load: (cursor) => loadMatching(kind, filter, cursor, signal),
    show: itemOf,
    empty: () => emptyState(kind, filter !== ""),
    onGrow: announceCount,
  });
  const applyFilter = async (value) => {
    filter = value;
    replaceQuery({ kind, class: value });
    list.setAttribute("aria-busy", "true");
    await attempt(async () => {
      await pages.reload();
      announceCount(list.children.length);
    }, status);
    list.removeAttribute("aria-busy");
  };

  await pages.reload();
  return [
    el("h1", {}, t("history.title")),
    tabs(kind),
    el(
      "div",
      { class: "row spread history-tools" },
      characterFilter(classes, filter, kind === "recognised", applyFilter),
      exportButtons(signal),
    ),
    status,
    list,
    pages.element,
  ];
}

/** The kind that has the newest entry. */
async function newestKind(signal) {
  const kinds = Object.keys(PATHS);
  const pages = await Promise.all(kinds.map((kind) => get(PATHS[kind], { limit: 1 }, { signal })));
  const times = pages.map(({ results: [newest] }) => Date.parse(newest?.created_at ?? 0));
  return kinds[times.indexOf(Math.max(...times))];
}

/**
 * The next page of matching entries. The service filters by class number only, which a digit and a
 * character share, so the model is filtered here.
 */
async function loadMatching(kind, filter, cursor, signal) {
  const criteria = parseFilter(filter);
  const found = [];
  let next = cursor;
  do {
    const query = { limit: PAGE_SIZE, class: criteria.class, cursor: next };
    const page = await get(PATHS[kind], query, { signal });
    const fits = (entry) =>
      kind === "compared" || !criteria.model || entry.model.name === criteria.model;
    found.push(...page.results.filter(fits));
    next = page.next;
  } while (next && !found.length);
  return { results: found, next };
}

const tabs = (kind) =>
  tabLinks(
    t("history.kinds"),
    Object.keys(PATHS).map((each) => [
      href("/history", { kind: each }),
      t(`history.${each}`),
      each === kind,
    ]),
  );
