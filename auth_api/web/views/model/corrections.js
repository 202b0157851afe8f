// What users say that a model got wrong: looked through, judged, taken away as data.

import { action, attempt } from "../../modules/actions.js";
import { download, get, post } from "../../modules/api.js";
import { loadCharacters } from "../../modules/characters.js";
import { el, fill } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { paged } from "../../modules/pages.js";
import { badge } from "../../modules/parts.js";
import { privatePictures } from "../../modules/private-pictures.js";
import { mayAct } from "../../modules/session.js";
import { moment, number, t } from "../../modules/strings.js";

const STATES = ["pending", "agreed", "accepted", "rejected", "conflicting"];
const MOODS = { agreed: "good", accepted: "good", rejected: "bad", conflicting: "bad" };

/** The part "corrections". */
export async function corrections({ model, signal }) {
  const path = `/api/models/${model.name}/corrections/`;
  const characters = model.name === "digits" ? null : await loadCharacters();
  const called = (index) =>
    characters ? `${characters[index].character} ${characters[index].name}` : number(index);
  const picture = privatePictures(t("corrections.noPicture"), signal);
  const list = el("ul", { class: "corrections" });
  const said = el("div", {});
  let state = "";
  const pages = paged({
    list,
    load: (cursor) => get(path, { state, cursor }, { signal }),
    show: (correction) => entry(correction, path, called, picture),
    empty: () => t("corrections.none"),
  });
  await pages.start();
  const choose = (event) => {
    state = event.target.value;
    return attempt(pages.start, said);
  };
  const states = STATES.map((each) => [each, t(`corrections.state.${each}`)]);
  const control = select([["", t("corrections.all")], ...states], "", {
    on: { change: choose },
  });
  const today = new Date().toISOString().slice(0, 10);
  const save = () =>
    download(`${path}export/`, `${model.name}-corrections-${today}.zip`, { accept: "*/*" });
  return el(
    "section",
    { class: "stack" },
    el("h2", {}, t("model.part.corrections")),
    el("p", { class: "hint" }, t("corrections.what")),
    el(
      "div",
      { class: "row spread controls" },
      field(t("corrections.which"), control).element,
      action(t("corrections.export"), save, said),
    ),
    said,
    list,
    pages.element,
  );
}

function entry(correction, path, called, picture) {
  const item = el("li", { class: "card", tabindex: "-1" });
  const { image } = correction;
  const sent = el(
    "div",
    { class: "picture" },
    image
      ? picture(image, t("corrections.picture"))
      : el("p", { class: "hint small" }, t("corrections.noConsent")),
  );
  const show = (now) => fill(item, sent, described(now, called), judging(now, path, judged));
  const judged = (now) => {
    show(now);
    item.focus(); // the button that was pressed may be gone
  };
  show(correction);
  return item;
}

function described(correction, called) {
  return el(
    "div",
    { class: "stack tight" },
    el(
      "p",
      {},
      t("corrections.said", { actual: called(correction.actual_class) }),
      el("br"),
      t("corrections.read", { predicted: called(correction.predicted_class) }),
    ),
    el(
      "p",
      { class: "row" },
      badge(t(`corrections.state.${correction.state}`), MOODS[correction.state]),
      el("span", { class: "hint small" }, t("corrections.agree", { count: correction.agreeing })),
      el("span", { class: "hint small" }, moment(correction.created_at)),
    ),
  );
}

function judging(correction, path, judged) {
  if (!mayAct("admin")) return null;
  const said = el("div", {});
  const judge = async (verdict) => {
    const query = { actual_class: correction.actual_class };
    judged(await post(`${path}${correction.id}/${verdict}/`, null, { query }));
  };
  const ways = [];
  if (correction.state !== "accepted" && correction.consent) ways.push(["accept", ""]);
  if (correction.state !== "rejected") ways.push(["reject", "danger"]);
  return el(
    "div",
    { class: "stack tight" },
    el(
      "div",
      { class: "row" },
      ways.map(([verdict, kind]) =>
        action(t(`corrections.${verdict}`), () => judge(verdict), said, kind),
      ),
    ),
    said,
  );
}
