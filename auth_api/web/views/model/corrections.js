// Corrections by users: review them and download them as training data.

import { actionButton, attempt } from "../../modules/actions.js";
import { download, get, post } from "../../modules/api.js";
import { loadCharacters } from "../../modules/characters.js";
import { badge } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { field, select } from "../../modules/forms.js";
import { paginatedList } from "../../modules/pagination.js";
import { privatePictures } from "../../modules/private-pictures.js";
import { hasRole } from "../../modules/session.js";
import { moment, number, t } from "../../modules/strings.js";

const STATES = ["pending", "agreed", "accepted", "rejected", "conflicting"];
const MOODS = { agreed: "good", accepted: "good", rejected: "bad", conflicting: "bad" };

/** The part "corrections". */
export async function corrections({ model, signal }) {
  const path = `/api/models/${model.name}/corrections/`;
  const characters = model.name === "digits" ? null : await loadCharacters();
  const nameOf = (index) =>
    characters ? `${characters[index].character} ${characters[index].name}` : number(index);
  const picture = privatePictures(t("corrections.noPicture"), signal);
  const list = el("ul", { class: "corrections" });
  const errors = el("div", {});
  let state = "";
  const pages = paginatedList({
    list,
    load: (cursor) => get(path, { state, cursor }, { signal }),
    show: (correction) => entry(correction, path, nameOf, picture),
    empty: () => t("corrections.none"),
  });
  await pages.reload();
  const choose = (event) => {
    state = event.target.value;
    return attempt(pages.reload, errors);
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
      actionButton(t("corrections.export"), save, errors),
    ),
    errors,
    list,
    pages.element,
  );
}

function entry(correction, path, nameOf, picture) {
  const item = el("li", { class: "card", tabindex: "-1" });
  const { image } = correction;
  const pictureBox = el(
    "div",
    { class: "picture" },
    image
      ? picture(image, t("corrections.picture"))
      : el("p", { class: "hint small" }, t("corrections.noConsent")),
  );
  const show = (current) =>
    fill(item, pictureBox, description(current, nameOf), verdictButtons(current, path, onJudged));
  const onJudged = (current) => {
    show(current);
    item.focus(); // the pressed button may be gone
  };
  show(correction);
  return item;
}

function description(correction, nameOf) {
  return el(
    "div",
    { class: "stack tight" },
    el(
      "p",
      {},
      t("corrections.said", { actual: nameOf(correction.actual_class) }),
      el("br"),
      t("corrections.read", { predicted: nameOf(correction.predicted_class) }),
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

function verdictButtons(correction, path, onJudged) {
  if (!hasRole("admin")) return null;
  const errors = el("div", {});
  const judge = async (verdict) => {
    const query = { actual_class: correction.actual_class };
    onJudged(await post(`${path}${correction.id}/${verdict}/`, null, { query }));
  };
  const verdicts = [];
  if (correction.state !== "accepted" && correction.consent) verdicts.push(["accept", ""]);
  if (correction.state !== "rejected") verdicts.push(["reject", "danger"]);
  return el(
    "div",
    { class: "stack tight" },
    el(
      "div",
      { class: "row" },
      verdicts.map(([verdict, kind]) =>
        actionButton(t(`corrections.${verdict}`), () => judge(verdict), errors, kind),
      ),
    ),
    errors,
  );
}
