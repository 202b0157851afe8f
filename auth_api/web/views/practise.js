// Practise: all characters, the due ones first.

import { ApiError, errorMessage, get } from "../modules/api.js";
import { characterName, glyph, loadCharacters } from "../modules/characters.js";
import { button, linkButton } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { href, render } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { disc, isDue, legend, levelOf } from "./practise/mastery.js";

export default async function view({ signal }) {
  const [characters, progress] = await Promise.all([loadCharacters(), loadProgress(signal)]);
  const loaded = progress && !(progress instanceof ApiError) ? progress : null;
  const groups = loaded ? groupByUrgency(loaded) : [["all", characters]];
  const first = groups.find(([, members]) => members.length)[1][0];
  return [
    el("h1", {}, t("practise.title")),
    el(
      "section",
      { class: "card stack" },
      introduction(progress, loaded),
      el(
        "p",
        { class: "row" },
        linkButton(
          t(loaded ? "practise.next" : "practise.begin", { name: characterName(first) }),
          href(`/practise/${first.class}`),
          "primary",
        ),
      ),
      loaded ? legend() : null,
    ),
    groups.map(([name, members]) => group(name, members, loaded)),
  ];
}

/** The user's progress, null if nobody is signed in, or the `ApiError`. */
async function loadProgress(signal) {
  if (!currentUser()) return null;
  try {
    return await get("/api/progress/", {}, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return error;
    throw error;
  }
}

/** Groups of characters: due, suggested next, and the others in alphabetical order. */
function groupByUrgency({ characters, next }) {
  const order = next.map((each) => each.class);
  const rank = (each) => (order.includes(each.class) ? order.indexOf(each.class) : order.length);
  const due = characters
    .filter(isDue)
    .sort((a, b) => rank(a) - rank(b) || new Date(a.due) - new Date(b.due));
  const suggested = order.map((index) => characters[index]).filter((each) => !due.includes(each));
  const others = characters.filter((each) => !due.includes(each) && !suggested.includes(each));
  return [
    ["due", due],
    ["soon", suggested],
    ["others", others],
  ];
}

function introduction(progress, loaded) {
  if (progress instanceof ApiError) {
    return el(
      "div",
      { class: "notice error", role: "alert" },
      el("p", {}, `${t("practise.noProgress")} ${errorMessage(progress)}`),
      button(t("action.again"), render),
    );
  }
  if (!loaded) {
    const link = el("a", { href: href("/sign-in", { next: "/practise" }) }, t("nav.signIn"));
    return [
      el("p", {}, t("practise.introduction")),
      el("p", { class: "hint" }, link, " ", t("practise.signIn")),
    ];
  }
  const { totals, streak } = loaded;
  return el(
    "p",
    {},
    t("practise.mastered", { count: totals.characters_mastered }),
    " ",
    t("practise.dueCount", { count: totals.due }),
    " ",
    streak.current ? t("practise.streak", { count: streak.current }) : null,
  );
}

function group(name, members, loaded) {
  if (!members.length) return null;
  return el(
    "section",
    { class: "alphabet" },
    el("h2", {}, t(`practise.group.${name}`)),
    el(
      "ul",
      {},
      members.map((each) => el("li", {}, card(each, loaded?.characters[each.class]))),
    ),
  );
}

function card(character, practised) {
  const level = practised ? levelOf(practised) : null;
  const due = practised && isDue(practised);
  return el(
    "a",
    { class: `character ${level ?? ""}`, href: href(`/practise/${character.class}`) },
    glyph(character.class),
    el("span", { class: "name" }, characterName(character)),
    level
      ? el(
          "span",
          { class: "mastery small" },
          disc(level, practised.mastery / 100),
          el(
            "span",
            { class: "visually-hidden" },
            level === "new" ? t("practise.level.new") : `${t(`practise.level.${level}`)}, `,
          ),
          level === "new" ? null : number(Math.round(practised.mastery)),
        )
      : null,
    due ? el("span", { class: "badge small" }, t("practise.due")) : null,
  );
}
