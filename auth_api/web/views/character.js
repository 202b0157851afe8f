// Practise one character: write it, and compare it with the reference.

import { characterName, glyph, loadCharacters } from "../modules/characters.js";
import { button, linkButton } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { takeHandover } from "../modules/handover.js";
import { href } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { followingOnPath } from "./practise/path.js";
import { practiceArea } from "./practise/practice-area.js";
import { sessionBar } from "./practise/session-bar.js";
import { advance, following, sessionAt } from "./practise/session.js";
import { strokeOrderCard } from "./practise/stroke-order.js";
import { trendCard } from "./practise/trend.js";

export default async function view({ parameters, signal }) {
  const characters = await loadCharacters();
  const character = characters.find((each) => String(each.class) === parameters.class);
  if (!character) return unknown();
  const session = sessionAt(character.class);
  const trend = trendCard(character, signal);
  const next = el("a", { class: "button primary" });
  const showNext = (index, path = `/practise/${index}`) => {
    next.href = href(path);
    const name = index === null ? null : characterName(characters[index]);
    fill(next, name ? t("practise.following", { name }) : t("session.end"));
  };
  if (session) next.addEventListener("click", () => advance(session));
  const suggestNext = async () => {
    if (session) {
      const index = following(session);
      return showNext(index, index === null ? "/session" : undefined);
    }
    showNext(followingOnPath(character.class));
    const { next: suggested = [] } = (await trend.load()) ?? {};
    const due = suggested.find((each) => each.reason === "due" && each.class !== character.class);
    if (due) showNext(due.class);
    return null;
  };
  const order = el("div", {});
  const { element, announcement, area, layers } = await practiceArea({
    character,
    actions: ({ startOver }) =>
      el("p", { class: "row" }, button(t("practise.onceMore"), startOver), next),
    further: [session ? null : trend.element, order],
    onJudged: ({ score }) => {
      session?.scores.push([character.class, score]);
      suggestNext();
    },
    signal,
  });
  fill(order, strokeOrderCard(character, layers, signal));
  suggestNext();
  const handover = takeHandover();
  if (handover) area.load(handover);
  return [
    session ? sessionBar(session, signal) : null,
    heading(character, characters),
    element,
    announcement,
  ];
}

function heading(character, characters) {
  const { length } = characters;
  const before = characters[(character.class + length - 1) % length];
  const after = characters[(character.class + 1) % length];
  const link = (to, arrow, label) =>
    el(
      "a",
      {
        class: "button",
        href: href(`/practise/${to.class}`),
        "aria-label": t(label, { name: characterName(to) }),
      },
      arrow === "‹" ? arrow : null,
      el("span", { "aria-hidden": "true" }, to.character),
      arrow === "›" ? arrow : null,
    );
  return el(
    "header",
    { class: "character-head" },
    el("h1", {}, characterName(character)),
    glyph(character.class),
    el("p", { class: "hint" }, t("practise.strokes.count", { count: character.strokes.length })),
    el(
      "nav",
      { class: "row", "aria-label": t("practise.characters") },
      link(before, "‹", "practise.before"),
      linkButton(t("practise.all"), href("/practise")),
      link(after, "›", "practise.after"),
    ),
  );
}

function unknown() {
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("practise.unknown")),
    linkButton(t("practise.all"), href("/practise")),
  );
}
