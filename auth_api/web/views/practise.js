// Practise: all characters, what is due first.

import { get, Problem, sentence } from "../modules/api.js";
import { called, glyph, loadCharacters } from "../modules/characters.js";
import { el } from "../modules/dom.js";
import { tool } from "../modules/pad-tools.js";
import { href, render } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { number, t } from "../modules/strings.js";
import { disc, isDue, legend, levelOf } from "./practise/mastery.js";

export default async function view({ signal }) {
  const [characters, progress] = await Promise.all([loadCharacters(), progressOf(signal)]);
  const known = progress && !(progress instanceof Problem) ? progress : null;
  const groups = known ? urgent(known) : [["all", characters]];
  const first = groups.find(([, members]) => members.length)[1][0];
  return [
    el("h1", {}, t("practise.title")),
    el(
      "section",
      { class: "card stack" },
      introduction(progress, known),
      el(
        "p",
        { class: "row" },
        el(
          "a",
          { class: "button primary", href: href(`/practise/${first.class}`) },
          t(known ? "practise.next" : "practise.begin", { name: called(first) }),
        ),
      ),
      known ? legend() : null,
    ),
    groups.map(([name, members]) => group(name, members, known)),
  ];
}

/** The progress of whoever is signed in, null for nobody, a Problem where it cannot be had. */
async function progressOf(signal) {
  if (!currentUser()) return null;
  try {
    return await get("/api/progress/", {}, { signal });
  } catch (problem) {
    if (problem instanceof Problem && problem.status !== 401) return problem;
    throw problem;
  }
}

/** Who is due, what to take next, and the others in the order of the alphabet. */
function urgent({ characters, next }) {
  const order = next.map((each) => each.class);
  const place = (each) => (order.includes(each.class) ? order.indexOf(each.class) : order.length);
  const due = characters
    .filter(isDue)
    .sort((a, b) => place(a) - place(b) || new Date(a.due) - new Date(b.due));
  const soon = order.map((index) => characters[index]).filter((each) => !due.includes(each));
  const others = characters.filter((each) => !due.includes(each) && !soon.includes(each));
  return [
    ["due", due],
    ["soon", soon],
    ["others", others],
  ];
}

function introduction(progress, known) {
  if (progress instanceof Problem) {
    return el(
      "div",
      { class: "notice error", role: "alert" },
      el("p", {}, `${t("practise.noProgress")} ${sentence(progress)}`),
      tool(t("action.again"), render),
    );
  }
  if (!known) {
    const link = el("a", { href: href("/sign-in", { next: "/practise" }) }, t("nav.signIn"));
    return [
      el("p", {}, t("practise.introduction")),
      el("p", { class: "hint" }, link, " ", t("practise.signIn")),
    ];
  }
  const { totals, streak } = known;
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

function group(name, members, known) {
  if (!members.length) return null;
  return el(
    "section",
    { class: "alphabet" },
    el("h2", {}, t(`practise.group.${name}`)),
    el(
      "ul",
      {},
      members.map((each) => el("li", {}, card(each, known?.characters[each.class]))),
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
    el("span", { class: "name" }, called(character)),
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
