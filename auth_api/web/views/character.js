// Practise one character: write it, and see how near it is to the reference.

import { called, glyph, loadCharacters } from "../modules/characters.js";
import { el, fill } from "../modules/dom.js";
import { takeOver } from "../modules/handover.js";
import { tool } from "../modules/pad-tools.js";
import { failed, href } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { attemptsAt } from "./practise/attempts.js";
import { loadLayers } from "./practise/layers.js";
import { strokeOrder } from "./practise/order.js";
import { resultCard, summary } from "./practise/result.js";
import { trendOf } from "./practise/trend.js";
import { workplace } from "./practise/workplace.js";

export default async function view({ parameters, signal }) {
  const characters = await loadCharacters();
  const character = characters.find((each) => String(each.class) === parameters.class);
  if (!character) return unknown();
  const layers = await loadLayers(character, signal);
  signal.throwIfAborted();
  const attempts = attemptsAt(character.class);
  const work = workplace({ character, layers, attempts, signal });
  const outcome = el("section", { class: "stack outcome", "aria-busy": "false", tabindex: "-1" });
  const spoken = el("p", { class: "visually-hidden", role: "status" });
  const trend = trendOf(character, signal);

  let following = characters[(character.class + 1) % characters.length];
  const next = el("a", { class: "button" });
  const showNext = () => {
    next.href = href(`/practise/${following.class}`);
    fill(next, t("practise.following", { name: called(following) }));
  };
  const loadTrend = async () => {
    const urgent = (await trend.load())?.next.find((each) => each.class !== character.class);
    following = urgent ?? following;
    showNext();
  };
  const actions = el("p", { class: "row" }, tool(t("practise.onceMore"), work.onceMore), next);
  const trouble = el("div", { class: "trouble" });
  const result = el("div", {}, el("p", { class: "card hint" }, t("practise.idle")));
  const again = () => {
    outcome.focus(); // the button that was pressed goes
    attempts.again();
  };
  let judged = null;
  let replaced = new AbortController();
  const show = () => {
    outcome.setAttribute("aria-busy", String(attempts.busy));
    fill(trouble, attempts.problem ? failed(attempts.problem, again) : null);
    if (attempts.judged === judged) return;
    judged = attempts.judged;
    replaced.abort(); // the pictures of the last answer need not be kept
    replaced = new AbortController();
    const until = AbortSignal.any([signal, replaced.signal]);
    fill(result, resultCard(judged.answer, { actions, signal: until }));
  };
  attempts.addEventListener(
    "change",
    () => {
      show();
      if (attempts.problem) bringIntoView(outcome);
    },
    { signal },
  );
  attempts.addEventListener(
    "judged",
    () => {
      fill(spoken, summary(attempts.judged.answer));
      bringIntoView(outcome);
      loadTrend();
    },
    { signal },
  );
  showNext();
  show();
  loadTrend();
  const handed = takeOver();
  if (handed) work.take(handed);
  fill(outcome, trouble, result, trend.element, strokeOrder(character, layers, signal));
  return [
    heading(character, characters),
    el(
      "div",
      { class: "two practise" },
      el("section", { class: "card stack" }, work.element),
      outcome,
    ),
    spoken,
  ];
}

function heading(character, characters) {
  const { length } = characters;
  const before = characters[(character.class + length - 1) % length];
  const after = characters[(character.class + 1) % length];
  const way = (to, arrow, label) =>
    el(
      "a",
      {
        class: "button",
        href: href(`/practise/${to.class}`),
        "aria-label": t(label, { name: called(to) }),
      },
      arrow === "‹" ? arrow : null,
      el("span", { "aria-hidden": "true" }, to.character),
      arrow === "›" ? arrow : null,
    );
  return el(
    "header",
    { class: "character-head" },
    el("h1", {}, called(character)),
    glyph(character.class),
    el("p", { class: "hint" }, t("practise.strokes.count", { count: character.strokes.length })),
    el(
      "nav",
      { class: "row", "aria-label": t("practise.characters") },
      way(before, "‹", "practise.before"),
      el("a", { class: "button", href: href("/practise") }, t("practise.all")),
      way(after, "›", "practise.after"),
    ),
  );
}

/** Scrolls to what has just been said where it is below the window, as on telephones. */
function bringIntoView(element) {
  if (element.getBoundingClientRect().top < innerHeight * 0.6) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ behavior: still ? "auto" : "smooth" });
}

function unknown() {
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("practise.unknown")),
    el("a", { class: "button", href: href("/practise") }, t("practise.all")),
  );
}
