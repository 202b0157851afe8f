// Requests to the service: tokens, errors, retries. Only modules/session.js also calls `fetch`.

import { markBusy, markReachable, markUnreachable, pause } from "./connection.js";
import { saveFile } from "./dom.js";
import { duration, hasString, t } from "./strings.js";

const MAX_ATTEMPTS = 4;
const MAX_WAIT_SECONDS = 20;

let accessToken = async () => null;
let renewAccess = async () => null;

/** Sets where tokens come from, as `accessToken` and `renewAccess` of modules/session.js. */
export function useTokens(current, renew) {
  accessToken = current;
  renewAccess = renew;
}

/** An error response, or an unreachable service (`status` 0). `message` is a sentence to show. */
export class ApiError extends Error {
  constructor(status, code, message, details = null, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/**
 * Sends a request. Returns the JSON, or the `Response` if `raw`.
 *
 * Retries after 429, 503 and network errors, for GET and where `repeatable` allows it; waits as
 * `Retry-After` says. With "refused", not after network errors: the request may have been carried
 * out. Renews an expired access token once.
 * @param {string} method
 * @param {string} path with its trailing slash
 * @param {{query?: object, json?: object, form?: FormData, accept?: string, raw?: boolean,
 *   repeatable?: boolean | "refused", signal?: AbortSignal}} options
 * @throws {ApiError} or the signal's AbortError
 */
export async function request(method, path, options = {}) {
  const repeatable = options.repeatable ?? method === "GET";
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendAuthorised(method, path, options);
    } catch (error) {
      // Without any network there is nothing to wait for: the view says so at once.
      const unreachable = error.code === "unreachable" && navigator.onLine;
      const isLost = unreachable && repeatable !== "refused";
      const temporary = isLost || [429, 503].includes(error.status);
      const wait = error.retryAfter ?? 2 ** (attempt - 1);
      if (!repeatable || !temporary || attempt === MAX_ATTEMPTS || wait > MAX_WAIT_SECONDS)
        throw error;
      if (error.status) markBusy(wait);
      await pause(wait, options.signal);
    }
  }
}

export const get = (path, query, options = {}) => request("GET", path, { ...options, query });
export const post = (path, json, options = {}) => request("POST", path, { ...options, json });
export const put = (path, json, options = {}) => request("PUT", path, { ...options, json });
export const patch = (path, json, options = {}) => request("PATCH", path, { ...options, json });
export const remove = (path, options = {}) => request("DELETE", path, options);

/** A picture or file that needs the access token, as a Blob. */
export async function fetchBlob(path, options = {}) {
  const response = await request("GET", path, { ...options, raw: true });
  return response.blob();
}

/** Saves a file that needs the access token, under `name`. */
export async function download(path, name, options = {}) {
  saveFile(await fetchBlob(path, options), name);
}

/** The sentence to show for any thrown error. */
export function errorMessage(error) {
  if (!(error instanceof ApiError)) return t("error.unexpected");
  if (error.code === "unreachable" && !navigator.onLine) return t("connection.needed");
  const key = `error.${error.code}`;
  const wait = error.retryAfter ? duration(error.retryAfter) : "…";
  return hasString(key) ? t(key, { wait }) : error.message;
}

async function sendAuthorised(method, path, options) {
  const token = await accessToken();
  try {
    return await readResponse(await send(method, path, options, token), options);
  } catch (error) {
    if (error.status !== 401 || !token) throw error;
    const newToken = await renewAccess(token);
    if (!newToken) throw error;
    return readResponse(await send(method, path, options, newToken), options);
  }
}

async function readResponse(response, { raw }) {
  if (!response.ok) throw await errorFrom(response);
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
  return checkReachable(fetch(url, { method, headers, body, signal, credentials: "omit" }));
}

/** Awaits a `fetch`. Shows a network error and throws it as an `ApiError`. */
export async function checkReachable(responsePromise) {
  try {
    const response = await responsePromise;
    markReachable();
    return response;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    markUnreachable();
    throw new ApiError(0, "unreachable", t("error.unreachable"));
  }
}

/** The `ApiError` of an error response. */
export async function errorFrom(response) {
  const body = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After"));
  const message = body.error ?? t("error.unexpected");
  const code = body.code ?? "unexpected";
  return new ApiError(response.status, code, message, body.details, wait > 0 ? wait : null);
}
