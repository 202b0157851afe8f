// Which view is shown: `#/practise/12?strictness=strict` finds it, loads it and puts it into the
// page. A view is a module of its own, loaded when it is first wanted:
//
//   export default async function view({ parameters, query, signal }) -> Node
//
// `signal` aborts when the view is left: listeners, requests and timers end with it.

import { Problem, sentence } from "./api.js";
import { el, fill } from "./dom.js";
import { currentUser, mayAct } from "./session.js";
import { loadStrings, t } from "./strings.js";

const ROUTES = [
  { path: "/", view: "recognise", area: "learn" },
  { path: "/practise", view: "practise", area: "practise" },
  { path: "/practise/:class", view: "character", area: "practise" },
  {
    path: "/progress",
    view: "progress",
    area: "progress",
    signedIn: true,
  },
  { path: "/history", view: "history", area: "progress", signedIn: true },
  { path: "/sign-in", view: "sign-in", area: "account" },
  { path: "/sign-up", view: "sign-up", area: "account" },
  { path: "/account", view: "account", area: "account", signedIn: true },
  { path: "/jobs", view: "jobs", area: "operate", signedIn: true },
  { path: "/jobs/:id", view: "job", area: "operate", signedIn: true },
  { path: "/models", view: "models", area: "operate" },
  { path: "/models/:name", view: "model", area: "operate" },
  { path: "/operate", view: "operate", area: "operate", role: "analyst" },
  {
    path: "/training",
    view: "training",
    area: "operate",
    role: "data-scientist",
  },
  { path: "/users", view: "users", area: "operate", role: "admin" },
  { path: "/audit", view: "audit", area: "operate", role: "admin" },
  { path: "/settings", view: "settings", area: "operate", role: "admin" },
];

const main = el("main", { id: "main", tabindex: "-1" });
let leaving = new AbortController();
let first = true;

/** Where views appear. */
export const mainElement = main;

/** The path that is shown, without its query. */
export const currentPath = () => location.hash.slice(1).split("?")[0] || "/";

/** The same with its query: where to come back to. */
export const currentAddress = () => location.hash.slice(1) || "/";

/** The address of a view, for links. */
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

/** Changes the query of the view that is shown without showing it anew. */
export function noteQuery(query) {
  history.replaceState(null, "", href(currentPath(), query));
}

/** Shows what the address says, and follows it from now on. */
export async function startRouter() {
  addEventListener("hashchange", render);
  await render();
}

/** Shows the current view anew. */
export async function render() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const path = currentPath();
  const found = match(path);
  const slow = setTimeout(() => fill(main, loading()), 150);
  let content;
  try {
    if (!found) content = missing();
    else content = await contentOf(found, signal);
  } catch (problem) {
    if (signal.aborted) return;
    if (!(problem instanceof Problem)) reportError(problem); // a bug: the console shall have it
    content = failed(problem);
  } finally {
    clearTimeout(slow);
  }
  if (signal.aborted) return;
  fill(main, content);
  const title = main.querySelector("h1")?.textContent;
  document.title = title ? `${title} · Ranjana` : "Ranjana";
  dispatchEvent(new CustomEvent("viewshown", { detail: path }));
  if (!first) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true }); // a screen reader goes on where the new view begins
  }
  first = false;
}

/** What to show for something that was thrown, with a way on. */
export function failed(problem, again = render) {
  const away = problem.status === 401;
  return el(
    "section",
    { class: "card notice error", role: "alert" },
    el("p", {}, sentence(problem)),
    away
      ? el(
          "a",
          { class: "button", href: href("/sign-in", { next: currentAddress() }) },
          t("nav.signIn"),
        )
      : el("button", { class: "button", type: "button", on: { click: again } }, t("action.again")),
  );
}

async function contentOf({ route, parameters, query }, signal) {
  await loadStrings(route.area);
  if (route.signedIn && !currentUser()) return toSignIn();
  if (route.role && !mayAct(route.role)) {
    return currentUser() ? notAllowed(route.role) : toSignIn();
  }
  const { default: view } = await import(`../views/${route.view}.js`);
  return view({ parameters, query, signal });
}

function match(path) {
  for (const route of ROUTES) {
    const names = route.path.split("/");
    const parts = path.replace(/(.)\/$/, "$1").split("/");
    if (names.length !== parts.length) continue;
    const parameters = {};
    const fits = names.every((name, index) => {
      if (!name.startsWith(":")) return name === parts[index];
      parameters[name.slice(1)] = parts[index];
      return parts[index] !== "";
    });
    const query = Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] ?? ""));
    if (fits) return { route, parameters, query };
  }
  return null;
}

const loading = () => el("p", { class: "loading", role: "status" }, t("state.loading"));

function toSignIn() {
  return el(
    "section",
    { class: "card narrow stack" },
    el("h1", {}, t("signInFirst.title")),
    el("p", {}, t("signInFirst.why")),
    el(
      "p",
      { class: "row" },
      el(
        "a",
        { class: "button primary", href: href("/sign-in", { next: currentAddress() }) },
        t("nav.signIn"),
      ),
      el(
        "a",
        { class: "button", href: href("/sign-up", { next: currentAddress() }) },
        t("nav.signUp"),
      ),
    ),
  );
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
    el("a", { class: "button", href: "#/" }, t("recognise.title")),
  );
}
