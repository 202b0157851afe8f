// Recognise: draw a character or choose pictures, and see the prediction.

import { errorMessage, remove, request } from "../modules/api.js";
import { radioGroup } from "../modules/components.js";
import { crop } from "../modules/crop.js";
import { el, fill } from "../modules/dom.js";
import { handOver } from "../modules/handover.js";
import { latestRequest } from "../modules/latest-request.js";
import { padTools } from "../modules/pad-tools.js";
import { Pad } from "../modules/pad.js";
import { pictureInputs } from "../modules/pictures.js";
import { go } from "../modules/router.js";
import { currentUser } from "../modules/session.js";
import { t } from "../modules/strings.js";
import { bodyOf, LIMITS, writingOf } from "../modules/writing.js";
import { recogniseSeveral } from "./recognise/batch.js";
import { charactersCard } from "./recognise/characters.js";
import { resultCard, summary } from "./recognise/result.js";

// A drawing is recognised when the pen has rested for so long.
const PAUSE_MILLISECONDS = 450;

// Kept when another view is shown and when the visitor signs in. Cleared when the user changes.
const drawings = { ranjana: {}, digits: {} };
let owner = null;
let model = "ranjana";

export default function view({ signal }) {
  const user = currentUser()?.id ?? null;
  if (owner !== null && owner !== user) Object.assign(drawings, { ranjana: {}, digits: {} });
  owner = user;
  const outcome = el("section", { class: "outcome", "aria-busy": "false" });
  const announcement = el("p", { class: "visually-hidden", role: "status" });
  const place = el("div", { class: "two recognise" });
  const show = () => fill(place, recogniser(outcome, announcement, signal, show));
  show();
  return [el("h1", {}, t("recognise.title")), announcement, place];
}

function recogniser(outcome, announcement, signal, rebuild) {
  const drawing = drawings[model];
  const pad = new Pad(drawing, t("recognise.pad"));
  signal.addEventListener("abort", () => pad.close());
  const idle = () => fill(outcome, el("p", { class: "hint" }, t(`recognise.hint.${model}`)));
  const showMessage = (message) =>
    fill(outcome, el("p", { class: "card notice error", role: "alert" }, message));

  const showAnswer = (answer, more) => {
    fill(announcement, summary(answer, model));
    fill(outcome, resultCard(answer, { model, ...more }));
  };

  let storedPrediction = null; // id of this drawing's prediction in the history
  const recognition = latestRequest(
    (writing) => predict(writing, model),
    (answer, error) => {
      if (signal.aborted && answer) return deletePrediction(answer.prediction_id);
      outcome.setAttribute("aria-busy", "false");
      if (error) return showMessage(errorMessage(error));
      if (pad.isEmpty) return deletePrediction(answer.prediction_id);
      deletePrediction(storedPrediction);
      storedPrediction = answer.prediction_id;
      const compare = () => {
        handOver({ strokes: structuredClone(drawing.strokes) });
        go(`/practise/${answer.predicted_class}`);
      };
      const onJudged = () => (storedPrediction = null); // a prediction with feedback is kept
      return showAnswer(answer, { compare, onJudged });
    },
    (answer) => deletePrediction(answer.prediction_id),
  );

  let timer = null;
  const recognise = () => {
    const writing = writingOf(drawing);
    outcome.setAttribute("aria-busy", String(writing !== null));
    if (writing) return recognition.send(writing);
    recognition.cancel();
    return showMessage(t("pad.tooMuch", LIMITS));
  };
  pad.addEventListener("begin", () => clearTimeout(timer));
  pad.addEventListener("change", () => {
    clearTimeout(timer);
    if (!pad.isEmpty) {
      timer = setTimeout(recognise, PAUSE_MILLISECONDS);
      return;
    }
    recognition.cancel();
    storedPrediction = null; // the pad was cleared: the prediction stays in the history
    outcome.setAttribute("aria-busy", "false");
    idle();
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  // A drawing that could not be sent without the network is sent when it is back.
  const onOnline = () => pad.isEmpty || recognise();
  addEventListener("online", onOnline, { signal });

  const recogniseFiles = async (files) => {
    clearTimeout(timer);
    recognition.cancel();
    storedPrediction = null;
    if (files.length > 1) return recogniseSeveral(files, model, outcome, signal);
    const [file] = files;
    outcome.setAttribute("aria-busy", "true");
    fill(outcome, el("p", { class: "hint" }, t("state.looking")));
    try {
      const answer = await predict(file, model, signal);
      const compare = () => comparePicture(file, answer);
      const showAll = () => showCharacters(file, answer, outcome, announcement, signal);
      return showAnswer(answer, { compare, picture: file, showAll });
    } catch (error) {
      if (!signal.aborted) showMessage(errorMessage(error));
      return null;
    } finally {
      outcome.setAttribute("aria-busy", "false");
    }
  };

  if (pad.isEmpty) idle();
  else recognise();
  const models = ["ranjana", "digits"].map((name) => [name, t(`recognise.model.${name}`)]);
  const switchTo = (chosen) => {
    recognition.cancel();
    model = chosen;
    rebuild();
    document.querySelector(".two .choices input:checked")?.focus();
  };
  return [
    el(
      "section",
      { class: "card stack" },
      radioGroup(t("recognise.model"), models, model, switchTo),
      pad.element,
      padTools(pad),
    ),
    outcome,
    el(
      "section",
      { class: "card stack inputs" },
      el(
        "div",
        { class: "row" },
        pictureInputs({ several: true, onPictures: recogniseFiles, onError: showMessage, signal }),
      ),
      el("p", { class: "hint small" }, t("recognise.drop")),
    ),
  ];
}

/** Shows all characters of a picture, the largest of which has the prediction `main`. */
async function showCharacters(picture, main, outcome, announcement, signal) {
  const which = model;
  const answer = await predict(picture, which, signal, { several: true });
  deletePrediction(answer.prediction_id); // the history has `main`
  const compare = async (character) =>
    comparePicture(await crop(picture, character.box), character);
  const card = charactersCard(answer, main, { model: which, picture, compare });
  fill(announcement, t("recognise.characters", { count: answer.characters.length }));
  fill(outcome, card);
  card.querySelector("input:checked").focus();
}

function comparePicture(picture, { predicted_class: character }) {
  handOver({ picture });
  go(`/practise/${character}`);
}

function predict(writing, which, signal, query = {}) {
  const options = {
    ...bodyOf(writing),
    query: { model: which, characters: "all", ...query },
    repeatable: true,
    signal,
  };
  return request("POST", "/api/predict/", options);
}

/** Deletes the prediction of an unfinished drawing from the history. */
function deletePrediction(prediction) {
  if (prediction) remove(`/api/history/predictions/${prediction}/`).catch(() => null);
}
