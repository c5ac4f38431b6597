// Tells who hears the page that more need somebody: many at once in one sentence, and only who did not before.

import { hasPassed } from "./reading.js";
import { exceptions } from "./row.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { count, element } from "./words.js";

// Milliseconds between two sentences at the least, in which more are gathered: longer while one follows the other.
const pauses = [3_000, 15_000, 60_000];
// Milliseconds for which nobody who was told of is news again, so that who comes and goes is told of once.
const memory = 300_000;

let told = null; // by id, since when who was told of needs nobody, none while they do; `null` before everybody was read
let waits = false;
let step = 0; // which pause comes next
let saidAt = -Infinity; // when the last sentence was said

/** Takes in that something changed; `agents` gives everybody who is shown, by the time that is told of. */
export function tellNews(agents) {
  if (!told) {
    told = new Map(needing(agents()).map((agentID) => [agentID, null]));
    return;
  }
  if (waits || isSignedOut()) return;
  waits = true;
  // After a while of silence the first word comes soon again.
  if (hasPassed(saidAt, pauses.at(-1))) [step, saidAt] = [0, -Infinity];
  setTimeout(() => {
    waits = false;
    if (!isSignedOut()) tell(needing(agents()));
  }, Math.max(pauses[0], saidAt + pauses[step] - Date.now()));
}

function tell(needy) {
  const now = Date.now();
  const more = needy.filter((agentID) => !isKnown(agentID)).length;
  const present = new Set(needy);
  for (const [agentID, since] of told) {
    if (present.has(agentID)) continue;
    if (since === null) told.set(agentID, now);
    else if (hasPassed(since, memory)) told.delete(agentID);
  }
  for (const agentID of needy) told.set(agentID, null);
  if (!more) return;
  saidAt = now;
  step = Math.min(step + 1, pauses.length - 1);
  document.getElementById("news").replaceChildren(element("span", count("fleet.news", more)));
}

/** Whether somebody was told of, and not too long ago. */
function isKnown(agentID) {
  const since = told.get(agentID);
  return since === null || (since !== undefined && !hasPassed(since, memory));
}

function needing(agents) {
  const found = [];
  for (const agent of agents) if (exceptions.has(agent.agreement)) found.push(agent.agent_id);
  return found;
}

whenSignedOut(() => {
  told = new Map();
});
