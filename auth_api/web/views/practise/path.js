// The path through the script: families of letters of one shape, few strokes first.

import { storedStage } from "./stages.js";

/** `[name, classes]` of each family; its title is the string `family.<name>`. */
export const FAMILIES = [
  ["bowl", [2, 19, 26, 15, 5, 24, 23, 31, 8]],
  ["round", [25, 22, 28, 20, 34, 32, 30, 21]],
  ["curve", [14, 18, 27, 17, 9]],
  ["loops", [16, 1, 6, 29]],
  ["curl", [12, 11, 4, 7, 0, 13, 10, 3, 33, 35]],
  ["vowel", [46, 47, 40, 41]],
  ["a", [36, 37, 50, 48, 49, 51]],
  ["tail", [44, 45, 42, 43, 38, 39]],
  ["digit", [52, 59, 60, 56, 58, 57, 54, 55, 53, 61]],
];

/** All classes in the order of the path. */
export const PATH = FAMILIES.flatMap(([, classes]) => classes);

/** The classes for which this browser still gives help, in the order of the path. */
export const toLearn = () => PATH.filter((index) => storedStage(index) !== "memory");

/** The class to learn after `index`. */
export function followingOnPath(index) {
  const at = PATH.indexOf(index);
  const others = [...PATH.slice(at + 1), ...PATH.slice(0, at)];
  const left = toLearn();
  return others.find((each) => left.includes(each)) ?? others[0];
}
