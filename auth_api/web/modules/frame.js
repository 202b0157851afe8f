// The frame of every view: name, navigation, language, theme and account.

import { linkButton } from "./components.js";
import { connectionLine } from "./connection.js";
import { el, fill } from "./dom.js";
import { currentPath, href, mainElement, render } from "./router.js";
import { currentUser, hasRole } from "./session.js";
import { remember } from "./storage.js";
import { chooseLanguage, currentLanguage, LANGUAGES, t } from "./strings.js";

const ICON = new URL("../icon.svg", import.meta.url).pathname;

const header = el("header", { class: "frame" });
const footer = el("footer", { class: "frame" });
const skip = el("a", { class: "skip", href: "#main" });

/** Adds the frame to the page. */
export function startFrame() {
  skip.addEventListener("click", (event) => {
    event.preventDefault(); // the fragment of the URL names the view
    mainElement.focus();
  });
  document.body.append(skip, header, connectionLine(), mainElement, footer);
  addEventListener("viewshown", showFrame);
  showFrame();
}

/** Renders the frame again, after a change of language, user or view. */
export function showFrame() {
  fill(skip, t("nav.skip"));
  fill(header, brand(), navigation(), menuButton(), controls());
  fill(footer, footerNavigation());
}

function brand() {
  const mark = el("img", { src: ICON, alt: "", width: 28, height: 28 });
  return el(
    "a",
    { class: "brand", href: "#/", "aria-label": "Ranjana" },
    mark,
    el("span", {}, "Ranjana"),
  );
}

function navigation() {
  const links = [
    ["/practise", "nav.practise"],
    ["/recognise", "nav.recognise"],
    ["/worksheets", "nav.worksheets"],
    ["/progress", "nav.progress"],
    ...(hasRole("analyst") ? [["/operate", "nav.operate"]] : []),
  ];
  return el(
    "nav",
    { "aria-label": t("nav.label") },
    links.map(([path, name]) =>
      el("a", { href: href(path), "aria-current": isCurrent(path) ? "page" : null }, t(name)),
    ),
  );
}

/** Links that few learners need. */
function footerNavigation() {
  return el(
    "nav",
    { "aria-label": t("nav.further") },
    el("a", { href: href("/models") }, t("nav.models")),
    currentUser() ? el("a", { href: href("/jobs") }, t("nav.jobs")) : null,
    el("a", { href: "/docs" }, t("nav.api")),
  );
}

const OPERATE_PATHS = /^\/(operate|models|training|users|audit|settings|jobs)/;

function isCurrent(path) {
  const shown = currentPath();
  if (path === "/operate") return OPERATE_PATHS.test(shown);
  if (path === "/progress" && ["/history", "/poster"].includes(shown)) return true;
  if (path === "/practise" && ["/", "/session", "/name"].includes(shown)) return true;
  return shown.startsWith(path);
}

/** Opens the settings on a phone, where they have no place in the row. */
function menuButton() {
  const properties = { class: "button quiet menu", type: "button", popovertarget: "settings" };
  return el("button", { ...properties, "aria-label": t("nav.settings") }, "⋮");
}

function controls() {
  const user = currentUser();
  return el(
    "div",
    { class: "settings", id: "settings", popover: "auto" },
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
      { class: "button quiet", type: "button", on: { click: toggleTheme } },
      el("span", { "aria-hidden": "true" }, "◐"),
      el("span", { class: "visually-hidden" }, t("nav.theme")),
    ),
    user
      ? el(
          "a",
          { class: "button quiet account", href: href("/account"), title: user.username },
          user.username,
        )
      : linkButton(t("nav.signIn"), href("/sign-in")),
  );
}

function toggleTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", root.dataset.theme);
}
