// All characters with their mastery. Each opens to show its details.

import { byGroup, characterName, glyph } from "../../modules/characters.js";
import { el, fill } from "../../modules/dom.js";
import { replaceQuery } from "../../modules/router.js";
import { number, percent, t } from "../../modules/strings.js";
import { characterDetails } from "./details.js";

const NEVER = "9999"; // sorts after every date
const ORDERS = {
  alphabet: (a, b) => a.class - b.class,
  name: (a, b) => a.name.localeCompare(b.name),
  mastery: (a, b) => b.mastery - a.mastery,
  last: (a, b) => (b.last_at ?? "").localeCompare(a.last_at ?? ""),
  due: (a, b) => (a.due ?? NEVER).localeCompare(b.due ?? NEVER),
};
const ARROWS = { new: "", improving: "↗", steady: "→", declining: "↘" };

/**
 * The list and the select for its order: by group in the order of the alphabet, otherwise one list.
 * `characters` are those of `/api/progress/`, each with its `group`.
 */
export function charactersList(characters, chosen, signal) {
  const items = new Map(characters.map((each) => [each.class, item(each, signal)]));
  const place = el("div", { class: "stack" });
  const list = (members) =>
    el(
      "ol",
      { class: "learned" },
      members.map((each) => items.get(each.class)),
    );
  const show = (order) => {
    const sorted = characters.toSorted((a, b) => ORDERS[order](a, b) || a.class - b.class);
    const groups = byGroup(sorted).map(([group, members]) =>
      el("section", {}, el("h3", {}, t(`group.${group}`)), list(members)),
    );
    fill(place, order === "alphabet" ? groups : list(sorted));
  };
  const select = el(
    "select",
    {
      id: "order",
      on: {
        change: () => {
          show(select.value);
          replaceQuery({ sort: select.value });
        },
      },
    },
    Object.keys(ORDERS).map((order) =>
      el("option", { value: order }, t(`progress.order.${order}`)),
    ),
  );
  select.value = Object.hasOwn(ORDERS, chosen ?? "") ? chosen : "alphabet";
  show(select.value);
  return [
    el("p", { class: "row" }, el("label", { for: "order" }, t("progress.order")), select),
    place,
  ];
}

function item(each, signal) {
  const details = el("div", { class: "particulars stack" });
  const disclosure = el(
    "details",
    {},
    el(
      "summary",
      {},
      glyph(each.class),
      el("strong", {}, characterName(each)),
      el("span", {
        class: "bar",
        style: { "--share": String(each.mastery / 100) },
        "aria-hidden": "true",
      }),
      el(
        "span",
        { class: "share" },
        el("span", { class: "visually-hidden" }, `${t("progress.mastery")} `),
        percent(each.mastery / 100),
      ),
      trendBadge(each),
    ),
    details,
  );
  disclosure.addEventListener("toggle", () => {
    if (disclosure.open && !details.hasChildNodes()) fill(details, characterDetails(each, signal));
  });
  return el("li", {}, disclosure);
}

function trendBadge(each) {
  const points =
    each.trend === null
      ? null
      : number(each.trend, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
  return el(
    "span",
    { class: `trend ${each.trend_word}`, title: points && t("progress.points", { points }) },
    el("span", { "aria-hidden": "true" }, ARROWS[each.trend_word], " "),
    each.attempts ? t(`progress.trend.${each.trend_word}`) : t("progress.untried"),
  );
}
