// Speaks to the service: tokens, errors, asking again. Nothing else calls `fetch`.

import { busyFor, notReached, pause, reached } from "./connection.js";
import { accessToken, renewAccess } from "./session.js";
import { duration, hasString, t } from "./strings.js";

const TRIES = 4;
const MAX_QUEUE_SECONDS = 20;

/** What the service refused, or that it could not be asked; `message` is a sentence to show. */
export class Problem extends Error {
  constructor(status, code, message, details = null, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/**
 * Asks the service; answers the JSON, or the Response itself with `raw`.
 *
 * A busy or unreachable service is asked again, as politely as it says (`Retry-After`), where
 * that can do no harm: for GET, and where `repeatable` says so. An access token that has expired is
 * renewed once.
 * @param {string} method
 * @param {string} path with its trailing slash
 * @param {{query?: object, json?: object, form?: FormData, accept?: string, raw?: boolean,
 *   repeatable?: boolean, signal?: AbortSignal}} options
 * @throws {Problem} or the signal's AbortError
 */
export async function ask(method, path, options = {}) {
  const repeatable = options.repeatable ?? method === "GET";
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(method, path, options);
    } catch (problem) {
      const passing = problem.code === "unreachable" || [429, 503].includes(problem.status);
      const wait = problem.retryAfter ?? 2 ** (attempt - 1);
      if (!repeatable || !passing || attempt === TRIES || wait > MAX_QUEUE_SECONDS) throw problem;
      if (problem.status) busyFor(wait);
      await pause(wait, options.signal);
    }
  }
}

export const get = (path, query, options = {}) => ask("GET", path, { ...options, query });
export const post = (path, json, options = {}) => ask("POST", path, { ...options, json });
export const put = (path, json, options = {}) => ask("PUT", path, { ...options, json });
export const patch = (path, json, options = {}) => ask("PATCH", path, { ...options, json });
export const remove = (path, options = {}) => ask("DELETE", path, options);

/** A picture or file that only its owner gets, as a Blob. */
export async function blob(path, options = {}) {
  const response = await ask("GET", path, { ...options, raw: true });
  return response.blob();
}

/** Saves a file that only its owner gets, under `name`. */
export async function download(path, name, options = {}) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await blob(path, options));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The sentence to show for anything that was thrown. */
export function sentence(problem) {
  if (!(problem instanceof Problem)) return t("error.unexpected");
  const key = `error.${problem.code}`;
  const wait = problem.retryAfter ? duration(problem.retryAfter) : "…";
  return hasString(key) ? t(key, { wait }) : problem.message;
}

async function once(method, path, options) {
  const token = await accessToken();
  try {
    return await answerOf(await send(method, path, options, token), options);
  } catch (problem) {
    // A wrong password is a 401 too, and to be counted once.
    if (problem.status !== 401 || problem.code === "bad_credentials" || !token) throw problem;
    const renewed = await renewAccess(token);
    if (!renewed) throw problem;
    return answerOf(await send(method, path, options, renewed), options);
  }
}

async function answerOf(response, { raw }) {
  if (!response.ok) throw await problemOf(response);
  return raw ? response : response.json();
}

async function send(method, path, { query, json, form, accept, signal }, token) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const headers = { Accept: accept ?? "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json) headers["Content-Type"] = "application/json";
  const body = json ? JSON.stringify(json) : form;
  return reaching(fetch(url, { method, headers, body, signal, credentials: "omit" }));
}

/** Waits for `fetching`; that nobody answers becomes a Problem and is shown. */
export async function reaching(fetching) {
  try {
    const response = await fetching;
    reached();
    return response;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    notReached();
    throw new Problem(0, "unreachable", t("error.unreachable"));
  }
}

/** The Problem that a refusal tells of. */
export async function problemOf(response) {
  const said = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After"));
  const message = said.error ?? t("error.unexpected");
  const code = said.code ?? "unexpected";
  return new Problem(response.status, code, message, said.details, wait > 0 ? wait : null);
}
