// What stands around every view: the name, the ways, language, light, and who is signed in.

import { connectionLine } from "./connection.js";
import { el, fill } from "./dom.js";
import { currentPath, href, mainElement, render } from "./router.js";
import { currentUser, mayAct } from "./session.js";
import { remember } from "./storage.js";
import { chooseLanguage, currentLanguage, LANGUAGES, t } from "./strings.js";

const header = el("header", { class: "frame" });
const footer = el("footer", { class: "frame" });
const skip = el("a", { class: "skip", href: "#main" });

/** Puts the frame into the page. */
export function startFrame() {
  skip.addEventListener("click", (event) => {
    event.preventDefault(); // the address says which view it is
    mainElement.focus();
  });
  document.body.append(skip, header, connectionLine(), mainElement, footer);
  addEventListener("viewshown", showFrame);
  showFrame();
}

/** Shows the frame anew: for another language, another user, another view. */
export function showFrame() {
  fill(skip, t("nav.skip"));
  fill(header, brand(), navigation(), settings());
  fill(footer, further());
}

function brand() {
  const mark = el("img", { src: "/web/icon.svg", alt: "", width: 28, height: 28 });
  return el("a", { class: "brand", href: "#/" }, mark, el("span", {}, "Ranjana"));
}

function navigation() {
  const ways = [
    ["/", "nav.recognise"],
    ["/practise", "nav.practise"],
    ["/progress", "nav.progress"],
    ...(mayAct("analyst") ? [["/operate", "nav.operate"]] : []),
  ];
  return el(
    "nav",
    { "aria-label": t("nav.label") },
    ways.map(([path, name]) =>
      el("a", { href: href(path), "aria-current": isCurrent(path) ? "page" : null }, t(name)),
    ),
  );
}

/** Ways that are not on every learner's. */
function further() {
  return el(
    "nav",
    { "aria-label": t("nav.further") },
    el("a", { href: href("/models") }, t("nav.models")),
    currentUser() ? el("a", { href: href("/jobs") }, t("nav.jobs")) : null,
    el("a", { href: "/docs" }, t("nav.api")),
  );
}

const OF_OPERATE = ["/operate", "/models", "/training", "/users", "/audit", "/settings", "/jobs"];

function isCurrent(path) {
  const shown = currentPath();
  if (path === "/operate") return OF_OPERATE.some((own) => shown.startsWith(own));
  if (path === "/progress" && shown.startsWith("/history")) return true;
  return path === "/" ? shown === "/" : shown.startsWith(path);
}

function settings() {
  const user = currentUser();
  return el(
    "div",
    { class: "settings" },
    el(
      "select",
      {
        "aria-label": t("nav.language"),
        on: {
          change: async (event) => {
            await chooseLanguage(event.target.value);
            showFrame();
            await render();
          },
        },
      },
      Object.entries(LANGUAGES).map(([tag, name]) =>
        el("option", { value: tag, lang: tag, selected: tag === currentLanguage() }, name),
      ),
    ),
    el(
      "button",
      { class: "button quiet", type: "button", on: { click: switchTheme } },
      el("span", { "aria-hidden": "true" }, "◐"),
      el("span", { class: "visually-hidden" }, t("nav.theme")),
    ),
    user
      ? el("a", { class: "button quiet account", href: href("/account") }, user.username)
      : el("a", { class: "button", href: href("/sign-in") }, t("nav.signIn")),
  );
}

function switchTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", root.dataset.theme);
}
