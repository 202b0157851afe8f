// Which pointer writes: one at a time, and a pen before a hand.

// A hand rests on the pad longer than the pen: touches are ignored for so long after the pen left.
const PALM_MILLISECONDS = 3000;
// A touch that ended so shortly before the pen landed was the palm.
const PALM_FIRST_MILLISECONDS = 500;

let penIsNear = false;
let penLeft = -Infinity; // time of the last event of a pen that left

document.addEventListener("pointerover", ({ pointerType }) => {
  if (pointerType === "pen") penIsNear = true;
});
document.addEventListener("pointerout", ({ pointerType, relatedTarget }) => {
  if (pointerType !== "pen" || relatedTarget) return;
  penIsNear = false;
  penLeft = performance.now();
});

const isPalm = ({ pointerType }) =>
  pointerType === "touch" && (penIsNear || performance.now() - penLeft < PALM_MILLISECONDS);

/**
 * Calls `begin(event)`, `extend(events)` and `end()` for the one pointer that writes on `element`,
 * and `withdraw(ended)` if its stroke was that of a palm, which may have `ended` already. A stroke
 * ends and is kept if the pointer is cancelled, lost, or replaced. Returns a function that lets go of
 * the pointer.
 */
export function followPointers(element, { begin, extend, end, withdraw }) {
  let writing = null; // {id, type} of the pointer
  let touchEnded = -Infinity;
  const holdPage = new AbortController();

  const finish = ({ pointerId }) => {
    if (writing?.id !== pointerId) return;
    if (writing.type === "touch") touchEnded = performance.now();
    writing = null;
    end();
  };
  const withdrawPalm = () => {
    const isDown = writing?.type === "touch";
    if (!isDown && performance.now() - touchEnded > PALM_FIRST_MILLISECONDS) return;
    writing = null;
    touchEnded = -Infinity;
    withdraw(!isDown);
  };
  const down = (event) => {
    if (event.button !== 0 || isPalm(event)) return;
    if (event.pointerType === "pen") withdrawPalm();
    // A mouse that is pressed again was released where nobody saw it.
    if (writing?.id === event.pointerId) finish(event);
    if (writing) return;
    writing = { id: event.pointerId, type: event.pointerType };
    begin(event);
    try {
      element.setPointerCapture(event.pointerId);
    } catch {
      // The pointer has left already. Its stroke is a dot.
    }
  };
  const move = (event) => {
    if (writing?.id !== event.pointerId) return;
    if (!event.buttons) return finish(event);
    const moments = event.getCoalescedEvents?.() ?? [];
    extend(moments.length ? moments : [event]);
  };
  // A palm beside the pad would scroll the page under the pen.
  const holdStill = (event) => {
    if (writing?.type === "pen" && event.cancelable) event.preventDefault();
  };

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    element.addEventListener(kind, finish);
  }
  for (const kind of ["touchstart", "touchmove"]) {
    const options = { passive: false, signal: holdPage.signal };
    document.addEventListener(kind, holdStill, options);
  }
  return {
    /** Ignores the pointer until it is put down again. */
    letGo: () => (writing = null),
    /** Stops for good. */
    close: () => holdPage.abort(),
    /** Whether a pointer writes. */
    isWriting: () => writing !== null,
  };
}
