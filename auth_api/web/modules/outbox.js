// Attempts that wait to be sent: those written without the network, and those of a guest, which
// become those of the first user who signs in with this browser, whoever that is.
//
// An attempt has an id and the time when it was written. The service counts it once however often it
// arrives, at this time.

import { request } from "./api.js";
import { attemptsOf, drop, put } from "./attempt-store.js";
import { markWaiting } from "./connection.js";
import { currentUser, onSessionChange, ownerId } from "./session.js";

const RETRY_SECONDS = 60;
// Refusals that may end. After any other 4xx the attempt would be refused for ever.
const TEMPORARY = [401, 408, 429];

const events = new EventTarget();
const tabs = new BroadcastChannel("ranjana-outbox");
let timer = null;

/** Calls `listener` after each change of what waits, in any tab. */
export const onOutboxChange = (listener) => events.addEventListener("change", listener);

/** An attempt to send. `fields`: `{class, writing, help, strictness}`, the writing of
 * modules/writing.js. */
export const newAttempt = (fields) => ({
  ...fields,
  id: newId(),
  written_at: new Date().toISOString(),
});

/** The options of a `request` to `/api/similarity/` with an attempt. */
export function optionsOf({ id, class: target, writing, help, strictness, written_at }) {
  const query = { target_class: target, help, strictness, attempt_id: id, written_at };
  return { json: writing, query };
}

/** Keeps an attempt of `newAttempt` for the current user, or for a guest, until it is sent. */
export async function keep(attempt) {
  await put([{ ...attempt, user: ownerId() }]);
  await changed();
}

/** Keeps an attempt no longer, because it arrived. */
export async function forget({ id }) {
  await drop(id);
  await changed();
}

/** Keeps nothing of the current user any longer. */
export async function forgetAll() {
  for (const { id } of await attemptsOf(ownerId())) await drop(id);
  await changed();
}

/** How many attempts of the current user, or of the guest, are kept. */
export const count = async () => (await attemptsOf(ownerId())).length;

/** Sends what is kept for the signed-in user, the earliest first. One tab does at a time. */
export const send = () => inOneTab(sendAll);

/** Makes the guest's attempts those of the signed-in user, and sends them. */
export async function claim() {
  await inOneTab(async () => {
    const user = currentUser();
    const found = user ? await attemptsOf(null) : [];
    if (found.length) await put(found.map((each) => ({ ...each, user: user.id })));
  });
  await send();
}

/** Sends what waits now, after a sign-in, and when the network is back. */
export function startOutbox() {
  tabs.addEventListener("message", show);
  addEventListener("online", send);
  onSessionChange(claim);
  show();
  claim();
}

async function sendAll() {
  clearTimeout(timer);
  const user = currentUser();
  for (const attempt of user ? await attemptsOf(user.id) : []) {
    if (currentUser()?.id !== user.id) return;
    try {
      await request("POST", "/api/similarity/", { ...optionsOf(attempt), repeatable: false });
    } catch (error) {
      if (!isFinal(error)) {
        timer = setTimeout(send, (error.retryAfter ?? RETRY_SECONDS) * 1000);
        return;
      }
    }
    await forget(attempt);
  }
}

const isFinal = ({ status }) => status >= 400 && status < 500 && !TEMPORARY.includes(status);

/** Whether an attempt that failed with `error` is worth keeping. */
export const mayArriveLater = (error) => error.status !== undefined && !isFinal(error);

async function changed() {
  tabs.postMessage("changed");
  await show();
}

async function show() {
  // A guest's attempts do not wait: they have no owner yet.
  markWaiting(ownerId() === null ? 0 : await count());
  events.dispatchEvent(new Event("change"));
}

/** Runs `work` in one tab at a time. Without locks two tabs may send twice, which counts once. */
function inOneTab(work) {
  return navigator.locks ? navigator.locks.request("ranjana-outbox", work) : work();
}

/** A UUID of version 4. `crypto.randomUUID` exists in secure contexts only. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
