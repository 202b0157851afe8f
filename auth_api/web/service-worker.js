// Answers for the page from a cache, so that it opens at once and works offline. The service puts a
// line in front: `SHELL`, the version of the page, its home and the addresses of all its files. So
// this script is another one for each version, and the browser installs it beside the older one.
/* global SHELL */
"use strict";

const PREFIX = "ranjana-";
const CACHE = PREFIX + SHELL.version;

// Pages of the older version may be open in other tabs. They find their files in its cache.
const KEPT_VERSIONS = 2;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === "/") event.respondWith(cachedOrFetched(SHELL.home, request));
  } else if (/^\/(web|api\/characters)\//.test(pathname)) {
    event.respondWith(cachedOrFetched(request, request));
  }
});

/** Stores all files. If one cannot be had, the browser tries again at a later visit. */
async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(SHELL.files.map((address) => store(cache, address)));
  await skipWaiting(); // the next page that is opened is of this version
}

async function store(cache, address) {
  if (await cache.match(address)) return; // from an installation that was cut off
  const response = await fetch(address);
  // During an upgrade another process may answer, with the file of another version.
  const cacheControl = response.headers.get("Cache-Control") ?? "";
  if (!response.ok || !cacheControl.includes("immutable")) throw new Error(`no ${address}`);
  await cache.put(address, response);
}

async function activate() {
  const own = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  const old = own.slice(0, Math.max(0, own.length - (KEPT_VERSIONS - 1)));
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

/** The stored response for `wanted` of any version, or else that of the service to `request`. */
async function cachedOrFetched(wanted, request) {
  return (await caches.match(wanted, { ignoreVary: true })) ?? fetch(request);
}
