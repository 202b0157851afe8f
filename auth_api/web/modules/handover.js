// What one view hands to the next: a drawing or a picture that was just recognised, to be compared.

let held = null;

/** Holds `{strokes}` or `{picture}` for the view that is shown next. */
export function handOver(what) {
  held = what;
}

/** Takes what is held, null for nothing. */
export function takeOver() {
  const taken = held;
  held = null;
  return taken;
}
