// The names that nobody knows: read again when the stream says so and now and then, and mapped by who may.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { map, suggestAgents } from "./mapping.js";
import { sayDone } from "./outcome.js";
import { keepReading, paced } from "./reading.js";
import { renew } from "./renew.js";
import { apart, say } from "./words.js";

const readAgainAfter = 5_000; // what it would do to map a name changes without a word on the stream

const view = document.getElementById("unmatched");
const outcome = document.getElementById("outcome");

function adopt() {
  measured(view.dataset.now);
  // A form makes room for what would happen, and comes back by itself.
  for (const form of view.querySelectorAll("form.map")) form.hidden = form.nextElementSibling?.matches(".preview") ?? false;
  tick();
}

/** The row of a name that somebody is about to map. */
function busyRow() {
  return (view.querySelector(".preview") ?? document.activeElement)?.closest("#unmatched tr[data-name]") ?? null;
}

/** Reads the names again. Where one goes that somebody is about to map, that is said. */
async function read() {
  const fresh = await reread(location.href, "unmatched");
  const row = busyRow();
  const isUnderWay = row?.querySelector(".preview button:disabled") != null;
  renew(view, fresh);
  adopt();
  if (!row || row.isConnected || isUnderWay) return;
  outcome.textContent = say("unmatched.gone", { name: apart(row.dataset.name) });
  goOn();
}
const refresh = keepReading("unmatched", read, readAgainAfter);

/** Who reads goes on from what was said: where they were is gone. */
function goOn() {
  outcome.tabIndex = -1;
  outcome.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form.map")) return;
  event.preventDefault();
  outcome.textContent = "";
  map(form, form.dataset.api, form.elements.agent.value.trim(), {
    done: async (text) => {
      sayDone(outcome, text);
      goOn();
      await refresh().catch(() => {});
    },
    failed: (text) => {
      outcome.textContent = text;
    },
  });
});

adopt();
suggestAgents(document.getElementById("agents"));
follow("/v1/stream?snapshot=false&q=%2F", {
  reset: refresh,
  waiting: paced(() => refresh().catch(() => {})),
});
