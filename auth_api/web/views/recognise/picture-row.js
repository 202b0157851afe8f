// One of several pictures: its thumbnail, its name, and what is said of it.

import { el, fill, thumbnail } from "../../modules/dom.js";
import { isPicture } from "../../modules/pictures.js";
import { t } from "../../modules/strings.js";

/**
 * `{element, say, fail}` for a file. Both replace what is said, `fail` with an error. Says of a file
 * that is no picture that it is none.
 */
export function pictureRow(file) {
  const status = el("span", { class: "status" });
  const element = el(
    "li",
    {},
    isPicture(file) ? thumbnail(file, "") : el("span", { class: "thumbnail waiting" }, "?"),
    el("span", { class: "file" }, file.name),
    status,
  );
  const say = (...content) => {
    fill(status, content);
    element.classList.remove("error");
  };
  const fail = (...content) => {
    fill(status, content);
    element.classList.add("error");
  };
  if (!isPicture(file)) fail(t("several.noPicture"));
  return { element, say, fail };
}
