// Lists that come in pages, each asked for when it is wanted.

import { action } from "./actions.js";
import { el, fill } from "./dom.js";
import { t } from "./strings.js";

/**
 * Fills `list` with pages.
 * @param {{list: Element, load: (cursor: string|null) => Promise<{results: object[],
 *   next: string|null}>, show: (result: object) => Element, empty?: () => string|Node,
 *   grown?: (count: number) => void}} options `empty` is what stands where there is nothing,
 *   `grown` is told how many there are once there are more
 * @returns {{element: Element, start: () => Promise<void>, drop: (item: Element) => Element?}}
 *   `element` stands below the list and leads on; `start` shows the first page in place of what is
 *   there, and throws a Problem; `drop` takes one away and answers the one beside it
 */
export function paged({ list, load, show, empty = () => t("state.empty"), grown = () => null }) {
  const said = el("div", { class: "said", role: "status" });
  const failed = el("div", {});
  let next = null;
  let round = 0; // what was asked before the list was started anew comes too late
  const more = action(
    t("action.more"),
    async () => {
      const mine = round;
      const page = await load(next);
      if (mine !== round) return;
      const [first] = put(page);
      first?.setAttribute("tabindex", "-1");
      first?.focus();
      grown(list.children.length);
    },
    failed,
  );
  const put = (page) => {
    const added = page.results.map(show);
    list.append(...added);
    next = page.next;
    more.hidden = !next;
    return added;
  };
  const tell = () => {
    const nothing = list.hasChildNodes() || next ? null : empty();
    fill(said, typeof nothing === "string" ? el("p", { class: "hint" }, nothing) : nothing);
  };
  const start = async () => {
    const mine = ++round;
    const page = await load(null);
    if (mine !== round) return;
    fill(list);
    fill(failed);
    put(page);
    tell();
  };
  const drop = (item) => {
    const beside = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    tell();
    return beside;
  };
  more.hidden = true;
  return { element: el("div", { class: "stack" }, said, failed, more), start, drop };
}
