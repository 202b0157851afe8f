// Shows the view that the URL's fragment names, such as `#/practise/12?strictness=strict`. A view
// is a module, loaded when it is first needed:
//
//   export default async function view({ parameters, query, signal }) -> Node
//
// `signal` aborts when the view is left. Listeners, requests and timers must end then.

import { ApiError, errorMessage } from "./api.js";
import { button, linkButton } from "./components.js";
import { el, fill } from "./dom.js";
import { currentUser, hasRole, ownerId } from "./session.js";
import { loadStrings, t } from "./strings.js";

const ROUTES = [
  { path: "/", view: "start", area: "practise" },
  { path: "/recognise", view: "recognise", area: "learn" },
  { path: "/practise", view: "practise", area: "practise" },
  { path: "/session", view: "session", area: "practise" },
  { path: "/practise/:class", view: "character", area: "practise" },
  { path: "/name", view: "name", area: "name" },
  { path: "/worksheets", view: "worksheets", area: "worksheets" },
  { path: "/progress", view: "progress", area: "progress", signedIn: true },
  { path: "/poster", view: "poster", area: "progress", signedIn: true },
  { path: "/history", view: "history", area: "progress", signedIn: true },
  { path: "/sign-in", view: "sign-in", area: "account" },
  { path: "/sign-up", view: "sign-up", area: "account" },
  { path: "/account", view: "account", area: "account", signedIn: true },
  { path: "/jobs", view: "jobs", area: "operate", signedIn: true },
  { path: "/jobs/:id", view: "job", area: "operate", signedIn: true },
  { path: "/models", view: "models", area: "operate" },
  { path: "/models/:name", view: "model", area: "operate" },
  { path: "/operate", view: "operate", area: "operate", role: "analyst" },
  { path: "/training", view: "training", area: "operate", role: "data-scientist" },
  { path: "/users", view: "users", area: "operate", role: "admin" },
  { path: "/audit", view: "audit", area: "operate", role: "admin" },
  { path: "/settings", view: "settings", area: "operate", role: "admin" },
];

// Style sheets that the first views do without, by area. They are loaded with the views.
const STYLES = {
  worksheets: ["worksheets"],
  name: ["keepsakes"],
  progress: ["progress", "keepsakes"],
  account: ["progress"],
};

/** Container of the views. */
export const mainElement = el("main", { id: "main", tabindex: "-1" });
let controller = new AbortController();
let firstView = true;

/** The path that is shown, without its query. */
export const currentPath = () => location.hash.slice(1).split("?")[0] || "/";

/** The path with its query, to return to. */
export const currentAddress = () => location.hash.slice(1) || "/";

/** The URL of a view, for links. */
export function href(path, query = {}) {
  const filled = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  const search = new URLSearchParams(filled).toString();
  return `#${path}${search ? `?${search}` : ""}`;
}

/** Goes to a view. */
export function go(path, query = {}) {
  if (href(path, query) === location.hash) render();
  else location.hash = href(path, query);
}

/** Changes the query in the URL without rendering the view again. */
export function replaceQuery(query) {
  history.replaceState(null, "", href(currentPath(), query));
}

/** Shows the view of the current URL, and follows its changes. */
export async function startRouter() {
  addEventListener("hashchange", render);
  await render();
}

/** Renders the current view again. */
export async function render() {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const path = currentPath();
  const matched = match(path);
  const loadingTimer = setTimeout(() => fill(mainElement, loading()), 150);
  let content;
  try {
    content = matched ? await viewContent(matched, signal) : missing();
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) reportError(error); // a bug: it belongs in the console
    content = errorCard(error);
  } finally {
    clearTimeout(loadingTimer);
  }
  if (signal.aborted) return;
  fill(mainElement, content);
  const title = mainElement.querySelector("h1")?.textContent;
  document.title = title ? `${title} · Ranjana` : "Ranjana";
  dispatchEvent(new CustomEvent("viewshown", { detail: path }));
  if (!firstView) {
    scrollTo(0, 0);
    mainElement.focus({ preventScroll: true }); // for screen readers
  }
  firstView = false;
}

/** A card for a thrown error, with a button to retry or to sign in. */
export function errorCard(error, again = render) {
  const signedOut = error.status === 401;
  return el(
    "section",
    { class: "card notice error", role: "alert" },
    el("p", {}, errorMessage(error)),
    signedOut
      ? linkButton(t("nav.signIn"), href("/sign-in", { next: currentAddress() }))
      : button(t("action.again"), again),
  );
}

async function viewContent({ route, parameters, query }, signal) {
  await Promise.all([loadStrings(route.area), ...(STYLES[route.area] ?? []).map(loadStyles)]);
  if (needsSession(route) && !navigator.onLine && ownerId() !== null) return needsNetwork();
  if (route.signedIn && !currentUser()) return signInPrompt();
  if (route.role && !hasRole(route.role)) {
    return currentUser() ? notAllowed(route.role) : signInPrompt();
  }
  const { default: view } = await import(`../views/${route.view}.js`);
  return view({ parameters, query, signal });
}

const styles = new Map();

/** Adds a style sheet to the page. Resolves when it is loaded; without the network views do without. */
function loadStyles(name) {
  const add = (resolve) => {
    const address = new URL(`../styles/${name}.css`, import.meta.url);
    const error = () => {
      link.remove();
      styles.delete(name); // the next view tries again
      resolve();
    };
    const link = el("link", { rel: "stylesheet", href: address, on: { load: resolve, error } });
    document.head.append(link);
  };
  if (!styles.has(name)) styles.set(name, new Promise(add));
  return styles.get(name);
}

function match(path) {
  for (const route of ROUTES) {
    const names = route.path.split("/");
    const segments = path.replace(/(.)\/$/, "$1").split("/");
    if (names.length !== segments.length) continue;
    const parameters = {};
    const matches = names.every((name, index) => {
      if (!name.startsWith(":")) return name === segments[index];
      parameters[name.slice(1)] = segments[index];
      return segments[index] !== "";
    });
    const query = Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] ?? ""));
    if (matches) return { route, parameters, query };
  }
  return null;
}

const loading = () => el("p", { class: "loading", role: "status" }, t("state.loading"));

function signInPrompt() {
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("signInFirst.title")),
    el("p", {}, t("signInFirst.why")),
    el(
      "p",
      { class: "row" },
      linkButton(t("nav.signIn"), href("/sign-in", { next: currentAddress() }), "primary"),
      linkButton(t("nav.signUp"), href("/sign-up", { next: currentAddress() })),
    ),
  );
}

/** Whether a view is for users only, and none is known. */
const needsSession = ({ signedIn, role }) => (signedIn || role) && !currentUser();

/** Shown to a user whose session cannot be resumed without the network. */
function needsNetwork() {
  addEventListener("online", render, { once: true });
  return el("section", { class: "card narrow notice" }, el("p", {}, t("connection.needed")));
}

function notAllowed(role) {
  return el(
    "section",
    { class: "card narrow notice" },
    el("h1", {}, t("state.notAllowed")),
    el("p", {}, t("state.notAllowedRole", { role: t(`role.${role}`) })),
  );
}

function missing() {
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("state.missing")),
    linkButton(t("nav.practise"), href("/practise")),
  );
}
