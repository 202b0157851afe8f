// The user's progress: streak, totals, what to practise next, and all characters.

import { get } from "../modules/api.js";
import { loadCharacters } from "../modules/characters.js";
import { card, linkButton } from "../modules/components.js";
import { el } from "../modules/dom.js";
import { href } from "../modules/router.js";
import { t } from "../modules/strings.js";
import { exportButtons } from "./history/export.js";
import { activity } from "./progress/activity.js";
import { charactersList } from "./progress/characters.js";
import { nextCards } from "./progress/next.js";
import { summary } from "./progress/summary.js";

export default async function view({ query, signal }) {
  const [progress, days, classes] = await Promise.all([
    get("/api/progress/", { characters: "all" }, { signal }),
    activity(signal),
    loadCharacters(),
  ]);
  const characters = progress.characters.map((each) => ({ ...classes[each.class], ...each }));
  const hasBegun = progress.totals.attempts > 0;
  return [
    el("h1", {}, t("progress.title")),
    el(
      "div",
      { class: "stack" },
      summary(progress),
      section("next", hasBegun ? null : el("p", {}, t("progress.begin")), nextCards(progress.next)),
      days,
      section("characters", charactersList(characters, query.sort, signal)),
      section(
        "keep",
        el(
          "p",
          { class: "row" },
          linkButton(t("progress.history"), href("/history")),
          linkButton(t("progress.poster"), href("/poster")),
        ),
        exportButtons(signal),
      ),
    ),
  ];
}

const section = (name, ...content) => card(t(`progress.${name}`), ...content);
