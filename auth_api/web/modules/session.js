// The signed-in user. The access token is only in the memory of this module. The refresh token is
// in a cookie that no script can read (docs/security.md).

import { ApiError, checkReachable, errorFrom, get, useTokens } from "./api.js";
import { remember, remembered } from "./storage.js";

const SESSION = "/api/web-session/";
// An access token is renewed before it expires: so many seconds before, but not earlier than in the
// last quarter of its lifetime.
const RENEWAL_SECONDS = 15;
const RENEWAL_SHARE = 0.25;
const RETRY_MILLISECONDS = 5000;

/** All roles; each may do what the ones before it may. */
export const ROLES = ["user", "analyst", "data-scientist", "ml-engineer", "admin"];

const events = new EventTarget();
const tabs = new BroadcastChannel("ranjana-session");
let access = null; // {token, renew, ends}: renewal and expiry are in milliseconds, as Date.now()
let user = null;
let renewing = null;
let generation = 0; // counts sign-ins and sign-outs: tokens of an earlier generation are discarded

useTokens(accessToken, renewAccess);

tabs.addEventListener("message", ({ data }) => {
  if (data === "signed-out") withNotification(async () => clear());
  else if (data === "signed-in") adoptOtherTab();
  else if (user) withNotification(async () => (user = await get("/api/me/")));
});

/** The signed-in user, or null. */
export const currentUser = () => user;

/**
 * The id of the user whose session this browser has, or null. It is known before the service
 * confirms the session, and offline.
 */
export const ownerId = () => user?.id ?? (Number(remembered("user")) || null);

/** Whether the user has `role` or a higher one. */
export const hasRole = (role) => user !== null && ROLES.indexOf(user.role) >= ROLES.indexOf(role);

/** Calls `listener` when the user or their role changes, in any tab. */
export const onSessionChange = (listener) => events.addEventListener("change", listener);

/** Calls `listener` when the profile of the user changes, in any tab. */
export const onProfileChange = (listener) => events.addEventListener("profile", listener);

/** Calls `listener` when a session ended without a sign-out. */
export const onExpired = (listener) => events.addEventListener("expired", listener);

/** Restores the session from the cookie. Retries later if the service is unreachable. */
export async function resume() {
  if (remembered("signed-in")) await load();
}

async function load() {
  try {
    // The cookie may belong to another session by now, so a token in memory is renewed.
    if (await renewAccess(user && access ? access.token : null)) await loadUser();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setTimeout(() => withNotification(load), RETRY_MILLISECONDS);
  }
}

/** Signs in. Throws an `ApiError`. */
export async function signIn(username, password) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ username, password });
  await withNotification(async () => {
    const answer = await withLock(() => fetchJson("POST", SESSION, { headers, body }));
    clear();
    storeToken(answer);
    remember("signed-in", "yes");
    tabs.postMessage("signed-in");
    await loadUser();
  });
}

async function loadUser() {
  user = await get("/api/me/");
  remember("user", String(user.id));
}

/** Signs out in all tabs. If it throws an `ApiError`, the user is still signed in. */
export async function signOut() {
  await withLock(() => fetchJson("DELETE", SESSION));
  await markSignedOut();
}

/** Clears the session in all tabs, for example because the account was deleted. */
export async function markSignedOut() {
  tabs.postMessage("signed-out");
  await withNotification(async () => clear());
}

/** Loads the user again, after a change of the account. */
export async function refreshUser() {
  tabs.postMessage("changed");
  await withNotification(async () => (user = await get("/api/me/")));
}

/** The access token, renewed if it is about to expire; null if nobody is signed in. */
export async function accessToken() {
  if (!access || Date.now() < access.renew) return access?.token ?? null;
  const { token, ends } = access;
  try {
    return await renewAccess(token);
  } catch (error) {
    if (Date.now() < ends) return token;
    throw error;
  }
}

/**
 * A newer access token than `stale`. Null if the session has ended; nobody is signed in then.
 * Concurrent calls share one request, and tabs wait for each other.
 */
export async function renewAccess(stale) {
  if (access && access.token !== stale) return access.token;
  renewing ??= withLock(refresh).finally(() => (renewing = null));
  return renewing;
}

async function refresh() {
  const startedIn = generation;
  try {
    const answer = await fetchJson("POST", `${SESSION}refresh/`);
    if (startedIn === generation) storeToken(answer);
  } catch (error) {
    if (error.status !== 401) throw error;
    if (startedIn === generation) expire();
  }
  return access?.token ?? null;
}

/** Ends the session of this tab without a sign-out. */
function expire() {
  const wasSignedIn = user !== null;
  clear();
  if (wasSignedIn) events.dispatchEvent(new Event("expired"));
}

/** Takes over the session of another tab. Requests in progress belong to the old session. */
function adoptOtherTab() {
  return withNotification(async () => {
    generation++;
    await renewing?.catch(() => null);
    await load(); // not `resume`: the other tab's localStorage may not be visible here yet
  });
}

/** Runs `work`, and dispatches an event if it changed the user. */
async function withNotification(work) {
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
 * Runs `work` in one tab at a time. Otherwise a late response to a refresh could replace the cookie
 * of a newer session.
 */
function withLock(work) {
  // Only a secure context has locks. Elsewhere the service briefly accepts a used refresh token.
  return navigator.locks ? navigator.locks.request("ranjana-session", work) : work();
}

async function fetchJson(method, path, options = {}) {
  const response = await checkReachable(
    fetch(path, { method, credentials: "same-origin", ...options }),
  );
  if (!response.ok) throw await errorFrom(response);
  return response.json();
}

function storeToken({ access: token, expires_in: seconds }) {
  const ends = Date.now() + seconds * 1000;
  access = { token, ends, renew: ends - Math.min(RENEWAL_SECONDS, seconds * RENEWAL_SHARE) * 1000 };
}

function clear() {
  access = null;
  user = null;
  generation++;
  remember("signed-in", null);
  remember("user", null);
}
