// What came of what somebody did, said beside it for a while.

import { element } from "./words.js";

const lasts = 20_000; // milliseconds: enough to read a few sentences, or to hear them

/**
 * Says in a place that something was done, until that is old. What was refused a script puts there as it is: it stays until
 * somebody does something else.
 */
export function sayDone(place, text) {
  const line = element("span", text);
  place.replaceChildren(line);
  setTimeout(() => line.remove(), lasts);
}
