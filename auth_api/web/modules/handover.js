// Passes a recognised drawing or picture to the next view, which compares it.

let held = null;

/** Stores `{strokes}` or `{picture}` for the next view. */
export function handOver(drawing) {
  held = drawing;
}

/** Returns what is stored, or null, and clears it. */
export function takeHandover() {
  const taken = held;
  held = null;
  return taken;
}
