// The 62 characters: names, groups, reference images, strokes.

import { get } from "./api.js";
import { el } from "./dom.js";
import { version } from "./version.js";

/** The groups of the script, in the order of the classes. */
export const GROUPS = ["consonant", "vowel", "digit"];

let loaded = null;

/**
 * All characters, `characters[i].class === i`:
 * `{class, character, name, group, reference, strokes: [{name, width, points, nib}]}`. Strokes are
 * in writing order; `points` are `[x, y]`, `nib` is `{angle, edge, widths}` with a width per point.
 * Lengths are fractions of the side of the reference image, the angle is in degrees.
 * @throws {ApiError}
 */
export async function loadCharacters() {
  loaded ??= get("/api/characters/", { characters: "all", v: version }).then(
    (answer) => answer.characters,
  );
  loaded.catch(() => (loaded = null)); // the next call tries again
  return loaded;
}

/** `[group, members]` of the groups that have members. The members keep their order. */
export const byGroup = (characters) =>
  GROUPS.map((group) => [group, characters.filter((each) => each.group === group)]).filter(
    ([, members]) => members.length,
  );

/** Path of the reference image of a class. With the version in it browsers keep it for good. */
export const referencePath = (index) =>
  `/api/characters/${index}/reference/${version ? `?v=${version}` : ""}`;

/** The reference image of a class. Screen readers skip it unless `alt` is given. */
export function glyph(index, alt = "") {
  return el("img", { class: "glyph", src: referencePath(index), alt, loading: "lazy" });
}

/** The name of a character, such as `क ka`. */
export const characterName = ({ character, name }) => `${character} ${name}`;
