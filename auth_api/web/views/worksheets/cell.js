// A dialog about one judged cell: its mark, what to improve, and its pictures.

import { ApiError } from "../../modules/api.js";
import { characterName } from "../../modules/characters.js";
import { button, linkButton } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { href } from "../../modules/router.js";
import { t } from "../../modules/strings.js";
import { resultCard, resultHead, summary } from "../practise/result.js";
import { loadLayers } from "../practise/stroke-layers.js";

/**
 * Opens the dialog about `cells[chosen]`, from which one goes on to the other cells. It also closes
 * when `signal` aborts. `onClose` gets the index of the cell that was shown last.
 */
export function openCell({ cells, chosen, characters, signal, onClose }) {
  let at = chosen;
  let replaced = new AbortController();
  const heading = el("h2", { id: "cell-title" });
  const announcement = el("p", { class: "visually-hidden", role: "status" });
  const body = el("div", { class: "stack" });
  const show = async (index) => {
    at = (index + cells.length) % cells.length;
    replaced.abort(); // stops the canvases of the previous cell
    replaced = new AbortController();
    const until = AbortSignal.any([signal, replaced.signal]);
    const { comparison, image, ...cell } = cells[at];
    const details = el("div", {});
    fill(heading, titleOf(cell));
    fill(body, resultHead(comparison, actions(cell, image)), details);
    const layers = await layersOf(characters[cell.class], until);
    if (!until.aborted) fill(details, resultCard(comparison, { layers, signal: until }));
  };
  const go = async (step) => {
    dialog.scrollTo(0, 0);
    const shown = show(at + step);
    fill(announcement, `${heading.textContent}. ${summary(cells[at].comparison)}`);
    await shown;
  };
  const dialog = el(
    "dialog",
    { class: "cell-result", "aria-labelledby": heading.id },
    el(
      "div",
      { class: "stack" },
      el(
        "div",
        { class: "row spread" },
        heading,
        el(
          "p",
          { class: "row" },
          cells.length > 1
            ? [
                stepButton("‹", t("worksheets.before"), () => go(-1)),
                stepButton("›", t("worksheets.after"), () => go(1)),
              ]
            : null,
          button(t("action.close"), () => dialog.close()),
        ),
      ),
      announcement,
      body,
    ),
  );
  const remove = () => {
    replaced.abort();
    dialog.remove();
  };
  dialog.addEventListener("close", () => {
    remove();
    onClose(at);
  });
  signal.addEventListener("abort", remove);
  document.body.append(dialog);
  dialog.showModal();
  show(chosen);
}

/** A cell's character and place. The character is not known where the marks of its row are covered. */
export function titleOf({ row, column, ...cell }) {
  const place = t("worksheets.place", { row: row + 1, column: column + 1 });
  return cell.name ? `${characterName(cell)}, ${place}` : place;
}

function stepButton(sign, label, onClick) {
  const element = button(sign, onClick, "step");
  element.setAttribute("aria-label", label);
  return element;
}

const actions = (cell, image) =>
  el(
    "div",
    { class: "row" },
    el("img", { class: "thumbnail", src: image, alt: t("worksheets.written") }),
    linkButton(t("practise.verdict.practise", cell), href(`/practise/${cell.class}`)),
  );

/** The strokes of a character, or null: without the network faults light up their regions. */
async function layersOf(character, signal) {
  try {
    return await loadLayers(character, signal);
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) return null;
    throw error;
  }
}
