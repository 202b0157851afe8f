// Paints the poster: a row of tiles for each family of the path.

import { characterName } from "../../modules/characters.js";
import { el } from "../../modules/dom.js";
import { PAPER } from "../../modules/keepsake.js";
import { t } from "../../modules/strings.js";
import { themeColour } from "../../modules/theme-colours.js";
import { drawInk } from "../practise/ink.js";
import { FAMILIES } from "../practise/path.js";

// Lengths in pixels.
const TILE = 120;
const GAP = 12;
const MARGIN = 60;
const HEADER = 150;
const NAME = 26; // below a tile
const FAMILY = 44; // above a row
const ROW = FAMILY + TILE + NAME + GAP;
const REFERENCE_OPACITY = 0.13;

const COLUMNS = Math.max(...FAMILIES.map(([, classes]) => classes.length));
const WIDTH = 2 * MARGIN + COLUMNS * (TILE + GAP) - GAP;
const HEIGHT = 2 * MARGIN + HEADER + FAMILIES.length * ROW;

/** A canvas with the tiles. `inks` are of inks.js; `title` and `line` stand above. */
export function posterPicture(characters, inks, { title, line }) {
  const canvas = el("canvas", { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d");
  const write = (text, size, x, y, width = WIDTH - 2 * MARGIN) => {
    context.font = `${size}px ${themeColour("--text")}`;
    context.fillText(text, x, y, width);
  };
  context.fillStyle = PAPER.sheet;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = PAPER.ink;
  write(title, 60, MARGIN, MARGIN + 60);
  context.fillStyle = PAPER.soft;
  write(line, 30, MARGIN, MARGIN + 112);
  FAMILIES.forEach(([family, classes], row) => {
    const top = MARGIN + HEADER + row * ROW;
    context.textAlign = "left";
    write(t(`family.${family}`), 22, MARGIN, top + FAMILY - 12);
    context.textAlign = "center";
    classes.forEach((index, column) => {
      const left = MARGIN + column * (TILE + GAP);
      drawTile(context, left, top + FAMILY, inks[index]);
      write(characterName(characters[index]), 17, left + TILE / 2, top + FAMILY + TILE + 20, TILE);
    });
  });
  return canvas;
}

function drawTile(context, left, top, { ink, isOwn }) {
  context.save();
  context.translate(left, top);
  context.strokeStyle = isOwn ? PAPER.soft : PAPER.line;
  context.lineWidth = 2;
  context.strokeRect(1, 1, TILE - 2, TILE - 2);
  drawInk(context, TILE, ink, PAPER.ink, isOwn ? 1 : REFERENCE_OPACITY);
  context.restore();
}
