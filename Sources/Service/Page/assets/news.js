// Tells who hears the page that more need somebody: many at once in one sentence, and only who did not before.

import { exceptions } from "./row.js";
import { count, element } from "./words.js";

const pause = 3_000; // milliseconds between two sentences at the least, in which more are gathered

let known = null; // the ids of who needs somebody, as was last told; none before everybody was read
let waits = false;

/** Takes in that something changed; `agents` gives everybody who is shown, by the time that is told of. */
export function tellNews(agents) {
  if (!known) {
    known = needing(agents());
    return;
  }
  if (waits) return;
  waits = true;
  setTimeout(() => {
    waits = false;
    const now = needing(agents());
    const more = [...now].filter((agentID) => !known.has(agentID)).length;
    known = now;
    if (more) document.getElementById("news").replaceChildren(element("span", count("fleet.news", more)));
  }, pause);
}

function needing(agents) {
  const found = new Set();
  for (const agent of agents) if (exceptions.has(agent.agreement)) found.add(agent.agent_id);
  return found;
}
