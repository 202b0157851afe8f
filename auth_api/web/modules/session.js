// Who is signed in. The access token is in this module's memory and nowhere else; the refresh
// token is in a cookie that no script can read (docs/security.md).

import { get, Problem, problemOf, reaching } from "./api.js";
import { remember, remembered } from "./storage.js";

const SESSION = "/api/web-session/";
const ROLES = ["user", "analyst", "data-scientist", "ml-engineer", "admin"];
// A token is renewed this long before its end, at most: in seconds, and as a share of its life.
const EARLY = 15;
const EARLY_SHARE = 0.25;
// Milliseconds until a service that could not be asked is asked again.
const AGAIN = 5000;

const events = new EventTarget();
const tabs = new BroadcastChannel("ranjana-session");
let access = null; // {token, renew, ends}, the latter two as Date.now() has it
let user = null;
let renewing = null;
let era = 0; // counts sign-ins and sign-outs: an answer of an earlier era is nobody's any more

tabs.addEventListener("message", ({ data }) => {
  if (data === "signed-out") telling(async () => forget());
  else if (data === "signed-in") begin();
  else if (user) telling(async () => (user = await get("/api/me/")));
});

/** The account, null for nobody. */
export const currentUser = () => user;

/** Whether the account has `role` or one above it. */
export const mayAct = (role) => user !== null && ROLES.indexOf(user.role) >= ROLES.indexOf(role);

/** Calls `listener` whenever somebody else is signed in, or in another role, in any tab. */
export const onSessionChange = (listener) => events.addEventListener("change", listener);

/** Calls `listener` when what the account says of itself has changed, in any tab. */
export const onProfileChange = (listener) => events.addEventListener("profile", listener);

/** Calls `listener` when a session ended that was not signed out of. */
export const onExpired = (listener) => events.addEventListener("expired", listener);

/** Finds out who is signed in, from the cookie; a service that cannot be asked is asked again. */
export async function resume() {
  if (remembered("signed-in")) await ask();
}

async function ask() {
  try {
    // Whoever is signed in already is to be asked for anew, by the cookie that there is now.
    if (await renewAccess(user && access ? access.token : null)) user = await get("/api/me/");
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    setTimeout(() => telling(ask), AGAIN);
  }
}

/** Signs in. Throws a Problem. */
export async function signIn(username, password) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ username, password });
  await telling(async () => {
    const answer = await alone(() => talk("POST", SESSION, { headers, body }));
    forget();
    keep(answer);
    remember("signed-in", "yes");
    tabs.postMessage("signed-in");
    user = await get("/api/me/");
  });
}

/** Signs out, here and in the other tabs. Throws a Problem, and one is still signed in then. */
export async function signOut() {
  await alone(() => talk("DELETE", SESSION));
  await ended();
}

/** Notes that the session is over, e.g. because the account was deleted. */
export async function ended() {
  tabs.postMessage("signed-out");
  await telling(async () => forget());
}

/** Asks anew who is signed in, after the account was changed. */
export async function refreshUser() {
  tabs.postMessage("changed");
  await telling(async () => (user = await get("/api/me/")));
}

/** The access token to send, null for nobody; renewed where it is about to end. */
export async function accessToken() {
  if (!access || Date.now() < access.renew) return access?.token ?? null;
  const { token, ends } = access;
  try {
    return await renewAccess(token);
  } catch (problem) {
    if (Date.now() < ends) return token;
    throw problem;
  }
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
  const begun = era;
  try {
    const answer = await talk("POST", `${SESSION}refresh/`);
    if (begun === era) keep(answer);
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    if (begun === era) expire();
  }
  return access?.token ?? null;
}

/** The session of this tab is over without having been signed out of. */
function expire() {
  const was = user;
  forget();
  if (was) events.dispatchEvent(new Event("expired"));
}

/** Another tab has signed in: its cookie is this tab's too, what is under way here is of old. */
function begin() {
  return telling(async () => {
    era++;
    await renewing?.catch(() => null);
    await ask(); // what the other tab has remembered may not be told here yet
  });
}

/** Does `work`, and tells whether it made a difference to who is signed in. */
async function telling(work) {
  const before = user;
  try {
    await work();
  } finally {
    const same = before?.id === user?.id && before?.role === user?.role;
    if (!same) events.dispatchEvent(new Event("change"));
    else if (before !== user) events.dispatchEvent(new Event("profile"));
  }
}

/**
 * Does `work` while no other tab does any: an answer to a refresh that comes late would otherwise
 * put the cookie of an older session over that of a newer one.
 */
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
  const ends = Date.now() + seconds * 1000;
  access = { token, ends, renew: ends - Math.min(EARLY, seconds * EARLY_SHARE) * 1000 };
}

function forget() {
  access = null;
  user = null;
  era++;
  remember("signed-in", null);
}
