// Shows what pairs a phone, live: asked for again as it expires, gone from the page as soon as it is of no more use, or
// nobody is there any more.

import { prepareDialog, send } from "./acts.js";
import { aheadWords, now, time } from "./ages.js";
import { announce, element, phrase, say } from "./words.js";

const soonest = 2_000; // milliseconds between two questions at the least
const usual = 10_000; // where the answer does not say
const patience = 20_000; // milliseconds that a question may take which is asked again: as long as a picture lives
const attention = 180_000; // milliseconds after which somebody has to say that a new one is still wanted

const dialog = document.getElementById("pairing");
const place = document.getElementById("pairing-place");
const form = document.getElementById("pairing-phone");
const words = document.getElementById("pairing-words");
const end = document.getElementById("pairing-end"); // counts down, so it is no live region
const state = document.getElementById("pairing-status");
let address = null; // while it is open
let kind = "qr";
let waits = null;
let asking = null; // the question under way
let wantedAt = 0; // when a person last asked, by the page's own clock
let paused = null; // what is asked for again once somebody is there
let isComing = false; // a code: the session starts for it

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
    takeAway("pairing.wait"); // a code that was for another number
    want({ as: "code", phone_number: phone });
  });
  document.addEventListener("visibilitychange", () => {
    if (paused && !document.hidden && isWanted()) ask(paused, true);
  });
}

/** Opens the dialog for an agent. */
export function pair(agentID, name) {
  address = `/v1/agents/${encodeURIComponent(agentID)}/pairing`;
  dialog.dataset.agent = agentID;
  namePairing(name);
  dialog.showModal();
  choose("qr");
}

/** Says whose phone it is about. */
export function namePairing(name) {
  document.getElementById("pairing-title").replaceChildren(...phrase("pairing.title", { name: element("bdi", name) }));
}

/** The agent's news: who is paired needs no code any more. On its way to one a session stops and starts. */
export function pairingNews(agent) {
  if (!dialog?.open || dialog.dataset.agent !== agent.agent_id || agent.condition === "needs_pairing") return;
  if (!isComing || !["stopping", "starting"].includes(agent.condition)) dialog.close();
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
  else want({ as: kind });
}

function tell(key) {
  words.textContent = key ? say(key) : "";
}

function status(text = "") {
  end.replaceChildren();
  state.textContent = text;
}

/** Takes away what is over, and says what comes; the focus that was in it goes to where a new one is asked for. */
function takeAway(key) {
  const other = form.hidden ? dialog.querySelector("[data-as][aria-pressed=true]") : form.elements.phone;
  if (place.contains(document.activeElement)) other.focus();
  place.replaceChildren();
  status();
  tell(key);
}

/** Nothing of a code, or of a number, stays in the page. */
function clear() {
  clearTimeout(waits);
  asking?.abort();
  asking = null;
  paused = null;
  isComing = false;
  place.replaceChildren();
  form.reset();
  status();
}

/** A person asks. */
function want(wish) {
  wantedAt = performance.now();
  ask(wish, false);
}

/** Whether somebody asked not long ago. */
function isWanted() {
  return performance.now() - wantedAt < attention;
}

/** Asks again by itself; only while somebody looks, and for some minutes. */
function again(wish) {
  if (!document.hidden && isWanted()) ask(wish, true);
  else pause(wish);
}

/** Takes away what is of no more use, says why, and offers a new one to who comes back. */
function pause(wish, why = say("pairing.paused")) {
  clear();
  paused = wish;
  tell(null);
  const button = element("button", say("pairing.anew"));
  button.type = "button";
  button.className = "first";
  button.addEventListener("click", () => {
    choose(wish.as);
    dialog.querySelector("[data-as][aria-pressed=true]").focus(); // the button is gone
  });
  place.replaceChildren(button);
  status(why);
}

async function ask(wish, isRepeat) {
  clearTimeout(waits);
  asking?.abort();
  paused = null;
  const own = new AbortController();
  asking = own;
  const limits = isRepeat ? limit(own) : [];
  let wait = null;
  try {
    const answer = await send("POST", address, wish, { signal: own.signal, isRepeat });
    if (asking !== own) return;
    isComing = false;
    draw(answer);
    // What no end is known of is never left standing.
    wait = (wish.as === "qr" ? null : until(answer.expires_at)) ?? ((answer.refresh_after ?? 0) * 1000 || usual);
  } catch (error) {
    if (asking !== own) return;
    // What a script repeats starts no session anew: that takes a person.
    if (error.problem?.code === "codes_ran_out") return pause(wish, error.message);
    isComing = error.problem?.code === "pairing_begins";
    place.replaceChildren();
    tell(null);
    status(error.message);
    // Who is not asked to wait waits as long as usual; a code that is refused is asked for by a person.
    if (isComing || (error.problem?.code !== "not_offered" && wish.as !== "code")) wait = (error.retryAfter ?? 0) * 1000 || usual;
  } finally {
    for (const each of limits) clearTimeout(each);
  }
  if (wait === null) return;
  // A code is asked for by a person, who may be typing the next number; one that is over is taken away.
  const next = () => (wish.as === "code" && !isComing ? takeAway("pairing.code_first") : again(wish));
  waits = setTimeout(() => address && next(), Math.max(wait, soonest));
}

/** Limits a question that is repeated: what is shown is over by then, and goes where the next does not come soon. */
function limit(own) {
  const fade = () => {
    if (asking === own && place.firstChild) takeAway("pairing.wait");
  };
  return [setTimeout(fade, soonest), setTimeout(() => own.abort(), patience)];
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
      try {
        await navigator.clipboard.writeText(answer.value);
        copy.textContent = say("pairing.copied");
      } catch {
        getSelection().selectAllChildren(value); // the browser does not let it, so a person copies what is marked
      }
    });
    const both = element("p");
    both.append(value, " ", copy);
    place.replaceChildren(both);
  }
  const changesAt = answer.expires_at ?? (answer.refresh_after ? new Date(now() + answer.refresh_after * 1000).toISOString() : null);
  // Of a code whose end the engine does not say it is only known how long it is shown.
  const ends = answer.expires_at ? "pairing.ends" : "pairing.shown";
  const sentence = answer.kind === "code" ? ends : "pairing.refreshes";
  status();
  if (!changesAt) return;
  end.replaceChildren(...phrase(sentence, { ahead: time(changesAt, "ahead") }));
  // A code that changes again and again is not spoken of again and again.
  if (answer.kind !== "qr") announce(say(sentence, { ahead: aheadWords(until(changesAt)) }), state);
}
