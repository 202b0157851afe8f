// Lists loaded page by page, with a button for the next page.

import { actionButton } from "./actions.js";
import { el, fill } from "./dom.js";
import { t } from "./strings.js";

/**
 * Fills `list` with pages.
 * @param {{list: Element, load: (cursor: string|null) => Promise<{results: object[],
 *   next: string|null}>, show: (result: object) => Element, empty?: () => string|Node,
 *   onGrow?: (count: number) => void}} options `show` renders an item; `empty` is shown in place of
 *   an empty list; `onGrow` gets the number of items after each further page
 * @returns {{element: Element, reload: () => Promise<void>,
 *   removeItem: (item: Element) => Element?}} `element` belongs below the list; `reload` replaces the
 *   list by its first page and throws an `ApiError`; `removeItem` returns a neighbour of the item
 */
export function paginatedList({
  list,
  load,
  show,
  empty = () => t("state.empty"),
  onGrow = () => null,
}) {
  const status = el("div", { class: "status", role: "status" });
  const errors = el("div", {});
  let next = null;
  let round = 0; // counts reloads: a page of an earlier round comes too late
  const more = actionButton(
    t("action.more"),
    async () => {
      const ownRound = round;
      const page = await load(next);
      if (ownRound !== round) return;
      const [first] = appendPage(page);
      first?.setAttribute("tabindex", "-1");
      first?.focus();
      onGrow(list.children.length);
    },
    errors,
  );
  const appendPage = (page) => {
    const added = page.results.map(show);
    list.append(...added);
    next = page.next;
    more.hidden = !next;
    return added;
  };
  const showEmptiness = () => {
    const nothing = list.hasChildNodes() || next ? null : empty();
    fill(status, typeof nothing === "string" ? el("p", { class: "hint" }, nothing) : nothing);
  };
  const reload = async () => {
    const ownRound = ++round;
    const page = await load(null);
    if (ownRound !== round) return;
    fill(list);
    fill(errors);
    appendPage(page);
    showEmptiness();
  };
  const removeItem = (item) => {
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    showEmptiness();
    return neighbour;
  };
  more.hidden = true;
  return { element: el("div", { class: "stack" }, status, errors, more), reload, removeItem };
}
