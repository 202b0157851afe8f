// Registers the service worker, by which the page opens without the network.

const ADDRESS = "/service-worker.js";

/** Registers it once the page is loaded. Without one the page works as before, online. */
export function startServiceWorker() {
  if (!navigator.serviceWorker) return; // not a secure context, or an older browser
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

function register() {
  navigator.serviceWorker.register(trusted(ADDRESS)).catch(() => null);
}

/** The address of a script as the Content-Security-Policy demands it. */
function trusted(address) {
  if (!globalThis.trustedTypes) return address;
  const rules = { createScriptURL: () => ADDRESS };
  return globalThis.trustedTypes.createPolicy("service-worker", rules).createScriptURL(address);
}
