// Shows what pairs a phone, live: asked for again as it expires, gone from the page as soon as it is of no more use.

import { prepareDialog, send } from "./acts.js";
import { now, time } from "./ages.js";
import { element, phrase, say } from "./words.js";

const soonest = 2_000; // milliseconds between two questions at the least
const usual = 10_000; // where the answer does not say

const dialog = document.getElementById("pairing");
const place = document.getElementById("pairing-place");
const form = document.getElementById("pairing-phone");
let address = null; // while it is open
let kind = "qr";
let waits = null;
let asking = null; // the question under way

if (dialog) prepare();

function prepare() {
  prepareDialog(dialog);
  dialog.addEventListener("close", () => {
    clear();
    address = null;
    delete dialog.dataset.agent;
  });
  for (const tab of dialog.querySelectorAll("[data-as]")) tab.addEventListener("click", () => choose(tab.dataset.as));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const phone = form.elements.phone.value;
    form.reset();
    ask({ as: "code", phone_number: phone });
  });
}

/** Opens the dialog for an agent. */
export function pair(agentID, name) {
  address = `/v1/agents/${encodeURIComponent(agentID)}/pairing`;
  dialog.dataset.agent = agentID;
  document.getElementById("pairing-title").textContent = say("pairing.title", { name });
  dialog.showModal();
  choose("qr");
}

/** The agent's news: who is paired needs no code any more. */
export function pairingNews(agent) {
  if (dialog?.open && dialog.dataset.agent === agent.agent_id && agent.condition !== "needs_pairing") dialog.close();
}

function choose(chosen) {
  kind = chosen;
  clear();
  for (const tab of dialog.querySelectorAll("[data-as]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.as === kind));
  }
  form.hidden = kind !== "code";
  tell(kind === "code" ? "pairing.code_first" : "pairing.wait");
  // A code is for one number, so somebody has to say which.
  if (kind === "code") form.elements.phone.focus();
  else ask({ as: kind });
}

function tell(key) {
  document.getElementById("pairing-words").textContent = key ? say(key) : "";
}

function status(...nodes) {
  document.getElementById("pairing-status").replaceChildren(...nodes);
}

/** Nothing of a code, or of a number, stays in the page. */
function clear() {
  clearTimeout(waits);
  asking?.abort();
  asking = null;
  place.replaceChildren();
  form.reset();
  status();
}

async function ask(wish) {
  clearTimeout(waits);
  asking?.abort();
  const own = new AbortController();
  asking = own;
  let pause = null;
  try {
    const answer = await send("POST", address, wish, own.signal);
    if (asking !== own) return;
    draw(answer);
    pause = wish.as === "qr" ? (answer.refresh_after ?? 0) * 1000 || usual : until(answer.expires_at);
  } catch (error) {
    if (asking !== own) return;
    place.replaceChildren();
    tell(null);
    status(error.message);
    // Who is not asked to wait waits as long as usual; a code's number is gone, so it is asked for by a person.
    if (error.problem?.code !== "not_offered" && wish.as !== "code") pause = (error.retryAfter ?? 0) * 1000 || usual;
  }
  if (pause === null) return;
  // A code is asked for by a person, who says for which number; one that is over is taken away.
  const next = () => (wish.as === "code" ? choose("code") : ask(wish));
  waits = setTimeout(() => address && next(), Math.max(pause, soonest));
}

/** Milliseconds until an instant; none without one. */
function until(instant) {
  return instant ? Date.parse(instant) - now() : null;
}

function draw(answer) {
  tell(`pairing.${answer.kind}_words`);
  if (answer.kind === "qr") {
    const image = element("img");
    image.alt = say("pairing.image");
    image.src = answer.value;
    place.replaceChildren(image);
  } else {
    const value = element("output", answer.value);
    value.className = "code";
    const copy = element("button", say("pairing.copy"));
    copy.type = "button";
    copy.hidden = !navigator.clipboard; // there is none without https
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(answer.value);
      copy.textContent = say("pairing.copied");
    });
    const both = element("p");
    both.append(value, " ", copy);
    place.replaceChildren(both);
  }
  const changesAt = answer.expires_at ?? (answer.refresh_after ? new Date(now() + answer.refresh_after * 1000).toISOString() : null);
  const words = answer.kind === "code" ? "pairing.ends" : "pairing.refreshes";
  status(...(changesAt ? phrase(words, { ahead: time(changesAt, "ahead") }) : []));
}
