// Practising one letter: the lesson, the comparison with the reference, and its result.

import { bringIntoView, el, fill } from "../../modules/dom.js";
import { errorCard } from "../../modules/router.js";
import { loadStrings, t } from "../../modules/strings.js";
import { attemptsAt } from "./attempts.js";
import { resultCard, resultHead, summary } from "./result.js";
import { loadLayers } from "./stroke-layers.js";
import { writingArea } from "./writing-area.js";

/**
 * `{element, announcement, area, layers}` for `character`. `actions` are buttons below a result,
 * `further` elements below its details; `onJudged(answer)` is called after each new result.
 */
export async function practiceArea({ character, actions, further, onJudged, signal }) {
  const [layers] = await Promise.all([loadLayers(character, signal), loadStrings("feedback")]);
  signal.throwIfAborted();
  const attempts = attemptsAt(character.class);
  const area = writingArea({ character, layers, attempts, signal });
  const outcome = el("section", { class: "stack outcome", "aria-busy": "false", tabindex: "-1" });
  const announcement = el("p", { class: "visually-hidden", role: "status" });
  const errors = el("div", { class: "trouble" });
  const head = el("div", { class: "head" }, el("p", { class: "card hint" }, t("practise.idle")));
  const details = el("div", {});
  const again = () => {
    outcome.focus(); // the pressed button disappears
    attempts.again();
  };
  let shown = null;
  let replaced = new AbortController();
  const show = () => {
    outcome.setAttribute("aria-busy", String(attempts.busy));
    fill(errors, attempts.error ? errorCard(attempts.error, again) : null);
    if (attempts.judged === shown) return;
    shown = attempts.judged;
    replaced.abort(); // stops the canvases of the previous answer
    replaced = new AbortController();
    const until = AbortSignal.any([signal, replaced.signal]);
    fill(head, resultHead(shown.answer, actions(area)));
    fill(details, resultCard(shown.answer, { layers, signal: until }));
  };
  const onChange = () => {
    show();
    if (attempts.error) bringIntoView(errors);
  };
  const judged = () => {
    const { answer } = attempts.judged;
    area.lesson.finish(answer);
    fill(announcement, summary(answer));
    bringIntoView(head);
    onJudged(answer);
  };
  attempts.addEventListener("change", onChange, { signal });
  attempts.addEventListener("judged", judged, { signal });
  show();
  fill(outcome, errors, head, details, further);
  const element = el(
    "div",
    { class: "two practise" },
    el(
      "div",
      { class: "hand" },
      el("section", { class: "card stack pad-card" }, area.pad),
      el("section", { class: "card stack tools-card" }, area.tools),
    ),
    outcome,
  );
  return { element, announcement, area, layers };
}
