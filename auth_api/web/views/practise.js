// Practise: all characters, the due ones first.

import { ApiError, errorMessage, get } from "../modules/api.js";
import { byGroup, characterName, glyph, GROUPS, loadCharacters } from "../modules/characters.js";
import { button, linkButton, radioGroup } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { href, render, replaceQuery } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { disc, isDue, legend, levelOf } from "./practise/mastery.js";

const ALL = "all";

export default async function view({ query, signal }) {
  const [characters, progress] = await Promise.all([loadCharacters(), loadProgress(signal)]);
  const loaded = progress && !(progress instanceof ApiError) ? progress : null;
  const begin = el("p", { class: "row" });
  const sections = el("div", {});
  const show = (chosen) => {
    const shown = characters.filter((each) => chosen === ALL || each.group === chosen);
    const parts = sectionsOf(shown, loaded);
    const [, [first]] = parts[0];
    const name = characterName(first);
    const label = t(loaded ? "practise.next" : "practise.begin", { name });
    fill(begin, linkButton(label, href(`/practise/${first.class}`), "primary"));
    fill(
      sections,
      parts.map(([title, members]) => section(title, members, loaded)),
    );
  };
  const chosen = GROUPS.includes(query.group) ? query.group : ALL;
  show(chosen);
  return [
    el("h1", {}, t("practise.title")),
    el(
      "section",
      { class: "card stack" },
      introduction(progress, loaded),
      begin,
      loaded ? legend() : null,
    ),
    groupChoice(chosen, show),
    sections,
  ];
}

/** The choice of a group, which stays in the address of the view. */
function groupChoice(chosen, show) {
  const options = [ALL, ...GROUPS].map((group) => [group, t(`practise.show.${group}`)]);
  const choose = (group) => {
    replaceQuery({ group: group === ALL ? null : group });
    show(group);
  };
  return el(
    "div",
    { class: "controls group-choice" },
    radioGroup(t("practise.show"), options, chosen, choose),
  );
}

/** The user's progress, null if nobody is signed in, or the `ApiError`. */
async function loadProgress(signal) {
  if (!currentUser()) return null;
  try {
    return await get("/api/progress/", { characters: "all" }, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return error;
    throw error;
  }
}

/** `[title, members]` of each section: due, suggested next, and the others by group. */
function sectionsOf(characters, loaded) {
  const order = (loaded?.next ?? []).map((each) => each.class);
  const rank = (each) => (order.includes(each.class) ? order.indexOf(each.class) : order.length);
  const dueDate = (each) => new Date(loaded.characters[each.class].due);
  const due = characters
    .filter((each) => loaded && isDue(loaded.characters[each.class]))
    .sort((a, b) => rank(a) - rank(b) || dueDate(a) - dueDate(b));
  const suggested = characters
    .filter((each) => order.includes(each.class) && !due.includes(each))
    .sort((a, b) => rank(a) - rank(b));
  const others = characters.filter((each) => !due.includes(each) && !suggested.includes(each));
  return [
    [t("practise.group.due"), due],
    [t("practise.group.soon"), suggested],
    ...byGroup(others).map(([group, members]) => [t(`group.${group}`), members]),
  ].filter(([, members]) => members.length);
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
    t("practise.mastered", {
      count: totals.characters_mastered,
      all: loaded.characters.length,
    }),
    " ",
    t("practise.dueCount", { count: totals.due }),
    " ",
    streak.current ? t("practise.streak", { count: streak.current }) : null,
  );
}

function section(title, members, loaded) {
  return el(
    "section",
    { class: "alphabet" },
    el("h2", {}, title),
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
