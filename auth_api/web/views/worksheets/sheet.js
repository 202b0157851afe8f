// A judged sheet: its picture with every cell marked by its verdict, and what to print next.

import { characterName } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { number, t } from "../../modules/strings.js";
import { openCell, titleOf } from "./cell.js";
import { nextSheet } from "./next-sheet.js";
import { cellsWith, SIGNS, summary, VERDICTS, verdictOf } from "./verdicts.js";

// Width by height, so that the picture has its place before it is decoded.
const RATIOS = { a4: "210 / 297", letter: "215.9 / 279.4" };
// A finger hits a cell of so many pixels. A picture with smaller ones scrolls.
const MIN_CELL = 44;

/** The card for a sheet of `/api/worksheets/judge/`. */
export function sheetCard(sheet, characters, signal) {
  const { cells } = sheet;
  const names = new Set(cells.filter((each) => each.name).map(characterName));
  return el(
    "section",
    { class: "card judged-sheet" },
    el(
      "div",
      { class: "stack" },
      el("h2", {}, t("worksheets.sheet", { names: [...names].join(", ") })),
      el("p", {}, summary(cells)),
    ),
    picture(sheet, characters, signal),
    el("div", { class: "stack" }, legend(cells), nextSheet(cells, sheet)),
  );
}

function legend(cells) {
  const counts = Object.groupBy(cells, verdictOf);
  return el(
    "ul",
    { class: "verdicts" },
    VERDICTS.filter((verdict) => counts[verdict]).map((verdict) =>
      el(
        "li",
        {},
        el(
          "span",
          { class: `cell ${verdict}`, "aria-hidden": "true" },
          el("span", {}, SIGNS[verdict]),
        ),
        `${t(`worksheets.verdict.${verdict}`)}: ${number(counts[verdict].length)}`,
      ),
    ),
  );
}

function picture({ paper, picture: src, cells }, characters, signal) {
  const judged = cellsWith(cells, "judged");
  const least = Math.min(...cells.map(({ box: [, , width] }) => width));
  const open = ({ currentTarget }) => {
    const buttons = [...list.querySelectorAll("button")];
    const chosen = buttons.indexOf(currentTarget);
    openCell({ cells: judged, chosen, characters, signal, onClose: (at) => buttons[at].focus() });
  };
  const list = el(
    "ol",
    { "aria-label": t("worksheets.cells") },
    cells.map((each) => cell(each, open)),
  );
  return el(
    "div",
    {
      class: "sheet-frame scroll",
      tabindex: "0",
      role: "region",
      "aria-label": t("worksheets.picture"),
    },
    el(
      "div",
      {
        class: "sheet-picture",
        style: { "aspect-ratio": RATIOS[paper], "min-width": `${Math.ceil(MIN_CELL / least)}px` },
      },
      el("img", { src, alt: "" }),
      list,
    ),
  );
}

function cell(each, open) {
  const [left, top, width, height] = each.box.map((share) => `${100 * share}%`);
  const verdict = verdictOf(each);
  const content = [
    el("span", { "aria-hidden": "true" }, SIGNS[verdict]),
    el("span", { class: "visually-hidden" }, label(each, verdict)),
  ];
  const properties = { class: `cell ${verdict}` };
  // Of the others there is no more to say.
  const isJudged = each.state === "judged";
  const button = { ...properties, type: "button", "aria-haspopup": "dialog", on: { click: open } };
  return el(
    "li",
    { style: { left, top, width, height } },
    isJudged ? el("button", button, content) : el("span", properties, content),
  );
}

/** Such as "ड dda, row 1, cell 2: 87, right". */
function label(each, verdict) {
  const { comparison } = each;
  const said = comparison ? `${number(comparison.score)}, ` : "";
  return `${titleOf(each)}: ${said}${t(`worksheets.said.${verdict}`)}`;
}
