// The names that nobody knows: read again now and then, and mapped by who may.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { map, suggestAgents } from "./mapping.js";
import { keepReading } from "./reading.js";

const readAgainAfter = 5_000; // unmatched events come without a word on the stream

let view = document.getElementById("unmatched");
const outcome = document.getElementById("outcome");

function adopt() {
  measured(view.dataset.now);
  for (const form of view.querySelectorAll("form.map")) form.hidden = false;
  tick();
}

/** Whether somebody is in the middle of something that a new table would take away. */
function isBusy() {
  return view.contains(document.activeElement) || view.querySelector(".preview") !== null;
}

let mayDisturb = false; // whether the table is replaced even when somebody turned to it while it was read
async function read() {
  const fresh = await reread(location.href, "unmatched");
  if (isBusy() && !mayDisturb) return;
  mayDisturb = false;
  view.replaceWith(fresh);
  view = fresh;
  adopt();
}
const refresh = keepReading("unmatched", read, readAgainAfter, () => !isBusy());

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form.map")) return;
  event.preventDefault();
  outcome.textContent = "";
  map(form, form.dataset.api, form.elements.agent.value.trim(), {
    done: async (text) => {
      outcome.textContent = text;
      mayDisturb = true;
      await refresh().catch(() => {});
      outcome.tabIndex = -1;
      outcome.focus();
    },
    failed: (text) => {
      outcome.textContent = text;
    },
  });
});

adopt();
suggestAgents(document.getElementById("agents"));
follow("/v1/stream?snapshot=false&limit=0&q=%2F", { reset: () => (isBusy() ? undefined : refresh()) });
