// Lists that come in pages, each asked for when it is wanted.

import { el, fill } from "../../modules/dom.js";
import { tool } from "../../modules/pad-tools.js";
import { t } from "../../modules/strings.js";
import { complain } from "./parts.js";

/**
 * Fills `list` with pages.
 * @param {{list: Element, load: (cursor: string|null) => Promise<{results: object[],
 *   next: string|null}>, show: (result: object) => Element, empty?: string}} options
 * @returns {{element: Element, start: () => Promise<void>}} `element` stands below the list and
 *   leads on; `start` shows the first page in place of what is there, and throws a Problem
 */
export function paged({ list, load, show, empty = t("state.empty") }) {
  const said = el("div", { role: "status" });
  let next = null;
  let round = 0; // what was asked before the list was started anew comes too late
  const more = tool(t("action.more"), async () => {
    const mine = round;
    more.disabled = true;
    try {
      const page = await load(next);
      if (mine !== round) return;
      const [first] = put(page);
      first?.setAttribute("tabindex", "-1");
      first?.focus();
      fill(said);
    } catch (problem) {
      if (problem.name !== "AbortError") complain(said, problem);
    } finally {
      more.disabled = false;
    }
  });
  const put = (page) => {
    const added = page.results.map(show);
    list.append(...added);
    next = page.next;
    more.hidden = !next;
    return added;
  };
  const start = async () => {
    const mine = ++round;
    const page = await load(null);
    if (mine !== round) return;
    fill(list);
    put(page);
    fill(said, list.hasChildNodes() ? null : el("p", { class: "hint" }, empty));
  };
  more.hidden = true;
  return { element: el("div", { class: "stack" }, said, more), start };
}
