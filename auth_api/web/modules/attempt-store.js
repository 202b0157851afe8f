// Attempts in IndexedDB: `{id, class, writing, help, strictness, written_at, user}`. Where there
// is no IndexedDB, as in some private windows, nothing is kept.

const NAME = "ranjana";
const STORE = "attempts";
const MAX_ATTEMPTS = 500;

let opening = null;

/** The attempts of `user`, an id or null for a guest, the earliest first. */
export async function attemptsOf(user) {
  const all = await everything();
  return all.filter((each) => each.user === user);
}

/** Stores attempts in place of those with the same `id`. The oldest go if there are too many. */
export async function put(attempts) {
  await change((store) => attempts.forEach((each) => store.put(each)));
  const all = await everything();
  const surplus = all.slice(0, Math.max(0, all.length - MAX_ATTEMPTS));
  if (surplus.length) await change((store) => surplus.forEach(({ id }) => store.delete(id)));
}

/** Deletes an attempt, if there is one with this `id`. */
export const drop = (id) => change((store) => store.delete(id));

async function everything() {
  const database = await open();
  if (!database) return [];
  const found = await result(database.transaction(STORE).objectStore(STORE).getAll());
  return found.sort((a, b) => a.written_at.localeCompare(b.written_at));
}

/** Runs `work` with the store. Resolves when its changes are on the disk. */
async function change(work) {
  const database = await open();
  if (!database) return;
  const transaction = database.transaction(STORE, "readwrite");
  work(transaction.objectStore(STORE));
  await new Promise((resolve, reject) => {
    transaction.addEventListener("complete", resolve);
    transaction.addEventListener("abort", () => reject(transaction.error));
  });
}

function open() {
  opening ??= connect().catch(() => null);
  return opening;
}

async function connect() {
  const request = indexedDB.open(NAME, 1);
  request.addEventListener("upgradeneeded", () =>
    request.result.createObjectStore(STORE, { keyPath: "id" }),
  );
  const database = await result(request);
  // Otherwise this tab would block a later version of the page that changes the database.
  database.addEventListener("versionchange", () => database.close());
  return database;
}

const result = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
