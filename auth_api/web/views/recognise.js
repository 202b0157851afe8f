// Recognise: draw a character or give pictures, and see what it is read as.

import { ask, remove, sentence } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { handOver } from "../modules/handover.js";
import { latest } from "../modules/latest.js";
import { choices, padTools } from "../modules/pad-tools.js";
import { Pad } from "../modules/pad.js";
import { pictureInputs } from "../modules/pictures.js";
import { go } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { recogniseSeveral } from "./recognise/several.js";
import { resultCard, summary } from "./recognise/result.js";

// Milliseconds that a pen rests before the drawing is looked at.
const REST = 450;

// Stays while other views are shown, and when who drew it signs in; not when they sign out.
const drawings = { ranjana: {}, digits: {} };
let owner = null;
let model = "ranjana";

export default function view({ signal }) {
  const present = currentUser()?.id ?? null;
  if (owner !== null && owner !== present) Object.assign(drawings, { ranjana: {}, digits: {} });
  owner = present;
  const outcome = el("section", { class: "outcome", "aria-busy": "false" });
  const spoken = el("p", { class: "visually-hidden", role: "status" });
  const place = el("div", { class: "two recognise" });
  const show = () => fill(place, workplace(outcome, spoken, signal, show));
  show();
  return [el("h1", {}, t("recognise.title")), spoken, place];
}

function workplace(outcome, spoken, signal, again) {
  const drawing = drawings[model];
  const pad = new Pad(drawing, t("recognise.pad"));
  signal.addEventListener("abort", () => pad.close());
  const idle = () => fill(outcome, el("p", { class: "hint" }, t(`recognise.hint.${model}`)));
  const fail = (message) =>
    fill(outcome, el("p", { class: "card notice error", role: "alert" }, message));

  const tell = (answer, more) => {
    fill(spoken, summary(answer, model));
    fill(outcome, resultCard(answer, { model, ...more }));
  };

  let kept = null; // the prediction of this drawing that is in the history
  const looking = latest(
    async (which) => predict(await pad.picture(), which),
    (answer, problem) => {
      if (signal.aborted && answer) return forget(answer.prediction_id);
      outcome.setAttribute("aria-busy", "false");
      if (problem) return fail(sentence(problem));
      if (pad.isEmpty) return forget(answer.prediction_id);
      forget(kept);
      kept = answer.prediction_id;
      const compare = () => {
        handOver({ strokes: structuredClone(drawing.strokes) });
        go(`/practise/${answer.predicted_class}`);
      };
      const judged = () => (kept = null); // what one has said something of stays
      return tell(answer, { compare, judged });
    },
    (answer) => forget(answer.prediction_id),
  );

  let resting = null;
  const look = () => {
    outcome.setAttribute("aria-busy", "true");
    looking.want(model);
  };
  pad.addEventListener("begin", () => clearTimeout(resting));
  pad.addEventListener("change", () => {
    clearTimeout(resting);
    if (!pad.isEmpty) {
      resting = setTimeout(look, REST);
      return;
    }
    looking.drop();
    kept = null; // a new drawing begins: the last one is history
    outcome.setAttribute("aria-busy", "false");
    idle();
  });
  signal.addEventListener("abort", () => clearTimeout(resting));

  const take = async (files) => {
    clearTimeout(resting);
    looking.drop();
    kept = null;
    if (files.length > 1) return recogniseSeveral(files, model, outcome, signal);
    const [file] = files;
    outcome.setAttribute("aria-busy", "true");
    fill(outcome, el("p", { class: "hint" }, t("state.looking")));
    try {
      const answer = await predict(file, model, signal);
      const compare = () => {
        handOver({ picture: file });
        go(`/practise/${answer.predicted_class}`);
      };
      return tell(answer, { compare, picture: file });
    } catch (problem) {
      if (!signal.aborted) fail(sentence(problem));
      return null;
    } finally {
      outcome.setAttribute("aria-busy", "false");
    }
  };

  if (pad.isEmpty) idle();
  else look();
  const models = ["ranjana", "digits"].map((name) => [name, t(`recognise.model.${name}`)]);
  const switchTo = (chosen) => {
    looking.drop();
    model = chosen;
    again();
    document.querySelector(".two .choices input:checked")?.focus();
  };
  return [
    el(
      "section",
      { class: "card stack" },
      choices(t("recognise.model"), models, model, switchTo),
      pad.element,
      padTools(pad),
    ),
    outcome,
    el(
      "section",
      { class: "card stack inputs" },
      el("div", { class: "row" }, pictureInputs({ several: true, take, fail, signal })),
      el("p", { class: "hint small" }, t("recognise.drop")),
    ),
  ];
}

function predict(picture, which, signal) {
  const form = new FormData();
  form.append("image", picture, picture.name ?? "drawing.png");
  const options = { query: { model: which }, form, repeatable: true, signal };
  return ask("POST", "/api/predict/", options);
}

/** Takes a prediction out of the history that the learner never got to see as a whole. */
function forget(prediction) {
  if (prediction) remove(`/api/history/predictions/${prediction}/`).catch(() => null);
}
