// The 36 characters: names, reference pictures, strokes.

import { get } from "./api.js";
import { el } from "./dom.js";

let loaded = null;

/**
 * All characters, `characters[i].class === i`:
 * `{class, character, name, reference, strokes: [{name, width, points: [[x, y], ...]}]}`; `width`
 * and points are shares of the side of the reference picture, in the order of writing.
 * Throws a Problem.
 */
export async function loadCharacters() {
  loaded ??= get("/api/characters/").then((answer) => answer.characters);
  loaded.catch(() => (loaded = null)); // asked for again the next time
  return loaded;
}

/** Address of the reference picture of a class. */
export const referencePath = (index) => `/api/characters/${index}/reference/`;

/** The reference picture of a class; decoration (`alt=""`) unless it is told what it says. */
export function glyph(index, alt = "") {
  return el("img", { class: "glyph", src: referencePath(index), alt, loading: "lazy" });
}

/** How a character is called: its glyph in words. */
export const called = ({ character, name }) => `${character} ${name}`;
