// Who is signed in. The access token is in this module's memory and nowhere else; the refresh
// token is in a cookie that no script can read (docs/security.md).

import { get, Problem, problemOf, reaching } from "./api.js";
import { remember, remembered } from "./storage.js";

const SESSION = "/api/web-session/";
const ROLES = ["user", "analyst", "data-scientist", "ml-engineer", "admin"];
// Seconds before its end at which a token is renewed.
const EARLY = 15;
// Milliseconds until a service that could not be asked is asked again.
const AGAIN = 5000;

const events = new EventTarget();
const tabs = new BroadcastChannel("ranjana-session");
let access = null;
let user = null;
let renewing = null;

tabs.addEventListener("message", async ({ data }) => {
  if (data === "signed-out") forget();
  else await resume();
  changed();
});

/** The account, null for nobody. */
export const currentUser = () => user;

/** Whether the account has `role` or one above it. */
export const mayAct = (role) => user !== null && ROLES.indexOf(user.role) >= ROLES.indexOf(role);

/** Calls `listener` whenever somebody else is signed in, in this tab or another. */
export const onSessionChange = (listener) => events.addEventListener("change", listener);

/** Finds out who is signed in, from the cookie; a service that cannot be asked is asked again. */
export async function resume() {
  if (!remembered("signed-in")) return;
  try {
    if (await renewAccess(access?.token)) user = await get("/api/me/");
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    setTimeout(() => resume().then(changed), AGAIN);
  }
}

/** Signs in. Throws a Problem. */
export async function signIn(username, password) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ username, password });
  keep(await talk("POST", SESSION, { headers, body }));
  remember("signed-in", "yes");
  user = await get("/api/me/");
  tabs.postMessage("signed-in");
  changed();
}

/** Signs out, here and in the other tabs. */
export async function signOut() {
  try {
    await talk("DELETE", SESSION);
  } finally {
    ended();
  }
}

/** Notes that the session is over, e.g. because the account was deleted. */
export function ended() {
  forget();
  tabs.postMessage("signed-out");
  changed();
}

/** Asks anew who is signed in, after the account was changed. */
export async function refreshUser() {
  user = await get("/api/me/");
  tabs.postMessage("changed");
  changed();
}

/** The access token to send, null for nobody; renewed where it is about to end. */
export async function accessToken() {
  if (access && Date.now() > access.until) return renewAccess(access.token);
  return access?.token ?? null;
}

/**
 * A newer access token than `stale`; null, and nobody is signed in any more, where the session
 * has ended. All who ask meanwhile share one request, and tabs wait for each other.
 */
export async function renewAccess(stale) {
  if (access && access.token !== stale) return access.token;
  renewing ??= alone(exchange).finally(() => (renewing = null));
  return renewing;
}

async function exchange() {
  try {
    keep(await talk("POST", `${SESSION}refresh/`));
    return access.token;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    const was = user !== null;
    forget();
    if (was) {
      events.dispatchEvent(new Event("expired"));
      changed();
    }
    return null;
  }
}

/** Calls `listener` when a session ended that was not signed out of. */
export const onExpired = (listener) => events.addEventListener("expired", listener);

function alone(work) {
  // Only pages from a trustworthy origin have locks; others rely on the service's grace.
  return navigator.locks ? navigator.locks.request("ranjana-session", work) : work();
}

async function talk(method, path, options = {}) {
  const response = await reaching(fetch(path, { method, credentials: "same-origin", ...options }));
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

function keep({ access: token, expires_in: seconds }) {
  access = { token, until: Date.now() + Math.max(1, seconds - EARLY) * 1000 };
}

function forget() {
  access = null;
  user = null;
  remember("signed-in", null);
}

function changed() {
  events.dispatchEvent(new Event("change"));
}
