// The path through the script: families of letters, what is due, short sessions, and drills.

import { ApiError, errorMessage, get } from "../modules/api.js";
import { characterName, glyph, GROUPS, loadCharacters } from "../modules/characters.js";
import { button, linkButton, radioGroup } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { go, href, render, replaceQuery } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { disc, isDue, legend, levelOf } from "./practise/mastery.js";
import { FAMILIES, PATH, toLearn } from "./practise/path.js";
import { beginSession } from "./practise/session.js";

const ALL = "all";
// Letters of a session: more than five minutes are enough for.
const SESSION_LETTERS = 20;
// How often each of two letters comes in a drill.
const DRILL_ROUNDS = 4;

export default async function view({ query, signal }) {
  const [characters, progress] = await Promise.all([loadCharacters(), loadProgress(signal)]);
  const loaded = progress && !(progress instanceof ApiError) ? progress : null;
  const due = loaded ? dueOf(loaded) : [];
  const learned = (index) => (loaded?.characters[index].mastery ?? 0) > 0;
  const fresh = toLearn().filter((index) => !learned(index));
  const begin = el("p", { class: "row" });
  const sections = el("div", {});
  const show = (chosen) => {
    const isShown = (index) => chosen === ALL || characters[index].group === chosen;
    const queue = [...due, ...fresh].filter(isShown);
    const first = queue[0] ?? PATH.find(isShown);
    const name = characterName(characters[first]);
    const label = t(loaded ? "practise.next" : "practise.begin", { name });
    const startSession = () => go(`/practise/${beginSession(queue.slice(0, SESSION_LETTERS))}`);
    fill(
      begin,
      linkButton(label, href(`/practise/${first}`), "primary"),
      queue.length ? button(t("session.begin"), startSession) : null,
    );
    const families = FAMILIES.map(([family, classes]) => [
      t(`family.${family}`),
      classes,
      { family },
    ]);
    const shown = [[t("practise.group.due"), due, { due: "yes" }], ...families]
      .map(([title, classes, sheet]) => [title, classes.filter(isShown), sheet])
      .filter(([, classes]) => classes.length);
    fill(
      sections,
      shown.map((each) => section(...each, characters, loaded)),
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
      el(
        "p",
        { class: "row" },
        linkButton(t("practise.name"), href("/name")),
        linkButton(t("practise.paper"), href("/worksheets")),
      ),
      loaded ? legend() : null,
    ),
    groupChoice(chosen, show),
    sections,
    drills(characters, signal),
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

/** Pairs of letters that the model confuses; none if they cannot be loaded, or the view is left. */
async function loadPairs(signal) {
  try {
    const { pairs } = await get("/api/models/ranjana/confused-pairs/", {}, { signal });
    return pairs;
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) return [];
    throw error;
  }
}

/** The classes that are due, the least remembered first. */
function dueOf({ characters, next }) {
  const order = next.map((each) => each.class);
  const rank = (each) => (order.includes(each.class) ? order.indexOf(each.class) : order.length);
  return characters
    .filter(isDue)
    .sort((one, other) => rank(one) - rank(other) || new Date(one.due) - new Date(other.due))
    .map((each) => each.class);
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

/** Letters that belong together. `sheet` is the query of their worksheet. */
function section(title, classes, sheet, characters, loaded) {
  const print = linkButton(t("practise.print"), href("/worksheets", sheet), "quiet");
  print.setAttribute("aria-label", `${t("practise.print")}: ${title}`);
  return el(
    "section",
    { class: "alphabet" },
    el("div", { class: "row spread" }, el("h2", {}, title), print),
    el(
      "ul",
      {},
      classes.map((index) => el("li", {}, card(characters[index], loaded?.characters[index]))),
    ),
  );
}

/** Sessions with two letters that are easily confused. They appear when they are loaded. */
function drills(characters, signal) {
  const drill = ({ classes: [one, other] }) => {
    const queue = Array.from({ length: DRILL_ROUNDS }, () => [one, other]).flat();
    return el(
      "li",
      {},
      el(
        "button",
        {
          class: "pair",
          type: "button",
          on: { click: () => go(`/practise/${beginSession(queue)}`) },
        },
        glyph(one),
        glyph(other),
        el("span", {}, [one, other].map((index) => characterName(characters[index])).join(" · ")),
      ),
    );
  };
  const element = el("section", { class: "alphabet" });
  const show = async () => {
    const pairs = await loadPairs(signal);
    if (!pairs.length) return;
    fill(
      element,
      el("h2", {}, t("drill.title")),
      el("p", { class: "hint" }, t("drill.why")),
      el("ul", { class: "pairs" }, pairs.map(drill)),
    );
  };
  show();
  return element;
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
