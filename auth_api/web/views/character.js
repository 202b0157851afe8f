// Practise one character: write it, and compare it with the reference.

import { characterName, glyph, loadCharacters } from "../modules/characters.js";
import { button, linkButton } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { takeHandover } from "../modules/handover.js";
import { errorCard, href } from "../modules/router.js";
import { loadStrings, t } from "../modules/strings.js";
import { attemptsAt } from "./practise/attempts.js";
import { resultCard, summary } from "./practise/result.js";
import { loadLayers } from "./practise/stroke-layers.js";
import { strokeOrderCard } from "./practise/stroke-order.js";
import { trendCard } from "./practise/trend.js";
import { writingArea } from "./practise/writing-area.js";

export default async function view({ parameters, signal }) {
  const [characters] = await Promise.all([loadCharacters(), loadStrings("feedback")]);
  const character = characters.find((each) => String(each.class) === parameters.class);
  if (!character) return unknown();
  const layers = await loadLayers(character, signal);
  signal.throwIfAborted();
  const attempts = attemptsAt(character.class);
  const area = writingArea({ character, layers, attempts, signal });
  const outcome = el("section", { class: "stack outcome", "aria-busy": "false", tabindex: "-1" });
  const announcement = el("p", { class: "visually-hidden", role: "status" });
  const trend = trendCard(character, signal);

  const following = characters[(character.class + 1) % characters.length];
  // A learner of vowels goes on with vowels, unless another character is due.
  const fitsAfter = (other, { reason }) =>
    other !== character && (reason === "due" || other.group === character.group);
  let nextCharacter = following;
  const next = el("a", { class: "button" });
  const showNext = () => {
    next.href = href(`/practise/${nextCharacter.class}`);
    fill(next, t("practise.following", { name: characterName(nextCharacter) }));
  };
  const loadTrend = async () => {
    const { next: suggested = [] } = (await trend.load()) ?? {};
    nextCharacter = suggested.find((each) => fitsAfter(characters[each.class], each)) ?? following;
    showNext();
  };
  const actions = el("p", { class: "row" }, button(t("practise.onceMore"), area.startOver), next);
  const errors = el("div", { class: "trouble" });
  const result = el("div", {}, el("p", { class: "card hint" }, t("practise.idle")));
  const again = () => {
    outcome.focus(); // the pressed button disappears
    attempts.again();
  };
  let shownJudgement = null;
  let replaced = new AbortController();
  const show = () => {
    outcome.setAttribute("aria-busy", String(attempts.busy));
    fill(errors, attempts.error ? errorCard(attempts.error, again) : null);
    if (attempts.judged === shownJudgement) return;
    shownJudgement = attempts.judged;
    replaced.abort(); // stops the canvases of the previous answer
    replaced = new AbortController();
    const until = AbortSignal.any([signal, replaced.signal]);
    fill(result, resultCard(shownJudgement.answer, { layers, actions, signal: until }));
  };
  attempts.addEventListener(
    "change",
    () => {
      show();
      if (attempts.error) bringIntoView(outcome);
    },
    { signal },
  );
  attempts.addEventListener(
    "judged",
    () => {
      fill(announcement, summary(attempts.judged.answer));
      bringIntoView(outcome);
      loadTrend();
    },
    { signal },
  );
  showNext();
  show();
  loadTrend();
  const handover = takeHandover();
  if (handover) area.load(handover);
  const order = character.strokes.length ? strokeOrderCard(character, layers, signal) : null;
  fill(outcome, errors, result, trend.element, order);
  return [
    heading(character, characters),
    el(
      "div",
      { class: "two practise" },
      el("section", { class: "card stack" }, area.element),
      outcome,
    ),
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
    character.strokes.length
      ? el("p", { class: "hint" }, t("practise.strokes.count", { count: character.strokes.length }))
      : null,
    el(
      "nav",
      { class: "row", "aria-label": t("practise.characters") },
      link(before, "‹", "practise.before"),
      linkButton(t("practise.all"), href("/practise")),
      link(after, "›", "practise.after"),
    ),
  );
}

/** Scrolls to `element` if it is below the window, as on phones. */
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
    linkButton(t("practise.all"), href("/practise")),
  );
}
