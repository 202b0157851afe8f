// The first letter of a first-time visitor: ग is played, traced, and praised. Then the path.

import { loadCharacters } from "../modules/characters.js";
import { linkButton } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { href } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { followingOnPath, PATH } from "./practise/path.js";
import { practiceArea } from "./practise/practice-area.js";
import { hasWritten } from "./practise/stages.js";

export default async function view(options) {
  if (currentUser() || hasWritten()) {
    const { default: practise } = await import("./practise.js");
    return practise(options);
  }
  const { signal } = options;
  const character = (await loadCharacters())[PATH[0]];
  const told = el("p", { class: "start", role: "status" });
  fill(told, t("start.how", { ...character, count: character.strokes.length }));
  const links = () =>
    el(
      "p",
      { class: "row" },
      linkButton(t("start.next"), href(`/practise/${followingOnPath(character.class)}`), "primary"),
      linkButton(t("start.path"), href("/practise")),
    );
  const { element, announcement, area } = await practiceArea({
    character,
    actions: links,
    further: null,
    onJudged: () => null,
    signal,
  });
  area.lesson.addEventListener("complete", () => {
    told.classList.add("praise");
    fill(told, t("start.praise", character));
  });
  area.lesson.watch();
  return [el("h1", {}, t("start.title")), told, element, announcement];
}
