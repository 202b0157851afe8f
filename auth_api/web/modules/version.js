// The version of the page: a hash of all its files, which is in the address of each.

const VERSIONED = /^\/web\/([0-9a-f]{16})\//;

/** The version, or null where the address has none. */
export const version = VERSIONED.exec(new URL(import.meta.url).pathname)?.[1] ?? null;
