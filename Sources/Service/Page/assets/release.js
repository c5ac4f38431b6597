// Loaded where another release answers than the one that the page is of: the page is loaded anew once that takes nothing from
// anybody.

import { isSelecting } from "./reading.js";
import { isSignedOut } from "./session.js";

// Milliseconds. Pages that hear of a release together are not loaded together; and while replicas of two releases answer in turn,
// none is loaded again and again.
const tick = 1_000 + Math.random() * 4_000;
const youngest = 30_000;
// That nobody did anything for so long, so that what came of it was read.
const calm = 5_000;
// The same while something is open that the page would come back without: somebody may be reading it. The place in the fleet's
// table comes back by itself (`roster.js`), and what is left out here may be open without anybody having opened it.
const longCalm = 300_000;
const opened = "main details[open]:not(#teams-place, #figures details)";

const began = performance.now();
let usedAt = -Infinity;

/** Whether somebody would lose a choice, a question, or what they read, mark or type. */
function isBusy() {
  const now = performance.now();
  if (now - usedAt < calm || isSelecting()) return true;
  if (now - Math.max(usedAt, began) < longCalm && document.querySelector(opened)) return true;
  if (document.querySelector("dialog[open], #bulk:not([hidden]), .preview, #acts details[open]")) return true;
  if (document.activeElement?.closest("form")) return true;
  return [...document.querySelector("main").getElementsByTagName("input")].some(isFilled);
}

/** Whether a field that is seen is not as the server put it there. */
function isFilled(field) {
  const isOther = field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  return isOther && field.getClientRects().length > 0;
}

function prepare() {
  for (const name of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    const note = () => {
      usedAt = performance.now();
    };
    document.addEventListener(name, note, { capture: true, passive: true });
  }
  setInterval(() => {
    if (performance.now() > youngest && !isSignedOut() && !isBusy()) location.reload();
  }, tick);
}

// Several answers may have asked for it before it came.
if (document.body.dataset.renews === undefined) {
  document.body.dataset.renews = "true";
  prepare();
}
