// The photographs, each with a line about how far it is.

import { errorMessage } from "../../modules/api.js";
import { button } from "../../modules/components.js";
import { el } from "../../modules/dom.js";
import { mayArriveLater } from "../../modules/outbox.js";
import { isPicture } from "../../modules/pictures.js";
import { t } from "../../modules/strings.js";
import { pictureRow } from "../recognise/picture-row.js";
import { entryList } from "./entry-list.js";
import { summary } from "./verdicts.js";

/** The list, which follows `judging` until `signal` aborts. */
export function photographs(judging, signal) {
  const list = el("ul", { class: "several photographs" });
  const bar = el("progress", { "aria-label": t("worksheets.progress") });
  const element = el("div", { class: "stack" }, list, bar);
  const rows = new WeakMap(); // by entry: its row, and the news that the row tells
  const show = entryList(list, (entry) => {
    const row = pictureRow(entry.file);
    rows.set(entry, { row, news: undefined });
    return row.element;
  });
  const update = () => {
    const { entries } = judging;
    show(entries);
    for (const entry of entries) {
      const shown = rows.get(entry);
      const news = entry.sheet ?? entry.error;
      if (shown.news === news) continue;
      shown.news = news;
      describe(entry, shown.row, judging);
    }
    const waiting = entries.filter((entry) => judging.isWaiting(entry)).length;
    bar.max = entries.length;
    // How long one takes is not known.
    if (entries.length > 1) bar.value = entries.length - waiting;
    else bar.removeAttribute("value");
    bar.classList.toggle("done", !waiting);
    element.hidden = !entries.length;
  };
  judging.addEventListener("change", update, { signal });
  update();
  return element;
}

function describe(entry, row, judging) {
  const { file, sheet, error } = entry;
  if (!isPicture(file)) return; // the row says so
  if (sheet) row.say(summary(sheet.cells));
  else if (error) {
    const again = () => judging.again(entry);
    row.fail(errorMessage(error), mayArriveLater(error) ? button(t("action.again"), again) : null);
  } else row.say(t("worksheets.judging"));
}
