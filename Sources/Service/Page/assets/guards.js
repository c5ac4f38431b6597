// Changes that wait for somebody: what each would do, and the word of whoever may decide.

import { explain, prepareDialog, send } from "./acts.js";
import { time } from "./ages.js";
import { tell } from "./needs.js";
import { keepReading, limit } from "./reading.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { count, element, knows, phrase, say } from "./words.js";

const interval = 30_000; // milliseconds; the stream says when something changes, but not to who is bound to teams

const place = document.getElementById("guards");
const dialog = document.getElementById("guard-dialog");
let shown = null; // the change in the dialog
let wanted = null; // the change that somebody asked for last
let last = "[]"; // what the cards show
let isTold = false; // whether it is known what waits, so that the cards say it

const refresh = keepReading("guards", read, interval);

/** Asks what waits; it is asked for again now and then. */
export function prepareGuards() {
  prepareDialog(dialog);
  dialog.addEventListener("click", (event) => {
    const decision = event.target.closest("[data-decide]")?.dataset.decide;
    if (decision) decide(decision);
  });
  place.addEventListener("click", (event) => {
    const card = event.target.closest("[data-open]")?.closest("[data-change]");
    if (card) open(card);
  });
  whenSignedOut(() => {
    last = "[]";
  });
  showGuards();
}

/** Shows what waits as it is now; what was shown stays where there is no answer, and the page says that it is old. */
export function showGuards() {
  refresh().catch(() => {});
}

/** Takes away the server's lines of changes once there are cards, which also say what can be done about them. */
export function hideChanges() {
  if (!isTold) return;
  for (const line of document.querySelectorAll("#incidents [data-scripted-away]")) line.remove();
}

async function read() {
  const { items } = await ask("/v1/guard");
  if (isSignedOut()) return;
  const waiting = items.filter(waits);
  if (JSON.stringify(waiting) !== last) {
    last = JSON.stringify(waiting);
    const focused = document.activeElement?.closest?.("#guard-list [data-change]")?.dataset.change;
    document.getElementById("guard-list").replaceChildren(...waiting.map(card));
    place.hidden = waiting.length === 0;
    if (focused) place.querySelector(`[data-change="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
  }
  isTold = true;
  hideChanges();
  tell();
}

async function ask(address) {
  const response = await fetch(address, { cache: "no-store", credentials: "same-origin", signal: limit() });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

/** Whether somebody is asked. A setting waits also while nobody whom it would concern is on break. */
function waits(change) {
  return change.waiting > 0 || (change.kind === "setting" && change.state === "held");
}

/** What it is, in a sentence. */
function sentence(change) {
  const key = `guard.what.${change.kind}`;
  const values = { who: element("bdi", change.asked_by), n: change.affected, all: change.instances };
  return phrase(change.kind !== "listing" && change.reason === "from_listing" ? "guard.what.from_listing" : key, values);
}

function card(change) {
  const item = element("li");
  item.classList.add("need", "guard");
  item.dataset.change = change.change;
  const what = element("p");
  what.append(...sentence(change));
  const when = element("p");
  when.className = "evidence";
  when.append(...phrase("guard.asked", { asked: time(change.asked_at), agents: count("guard.agents", change.waiting) }));
  if (change.expires_at) when.append(" ", ...phrase("guard.until", { ahead: time(change.expires_at, "ahead") }));
  const buttons = element("p");
  buttons.className = "buttons";
  const button = element("button", say(dialog.querySelector("[data-decide]") ? "guard.decide" : "guard.show"));
  button.type = "button";
  button.className = "small";
  button.dataset.open = "";
  buttons.append(button);
  item.append(what, when, buttons);
  return item;
}

async function open(card) {
  const number = card.dataset.change;
  wanted = number;
  card.querySelector("[role=status]")?.remove();
  const change = await ask(`/v1/guard/${number}`).catch(() => null);
  if (wanted !== number || isSignedOut()) return; // nobody decides on another than the one that was asked for
  if (!change) {
    const outcome = element("p", say("guard.no_answer"));
    outcome.className = "evidence";
    outcome.setAttribute("role", "status");
    card.append(outcome);
    return;
  }
  shown = number;
  document.getElementById("guard-refusal").textContent = "";
  show(change);
  if (!dialog.open) dialog.showModal();
}

function show(change) {
  document.getElementById("guard-words").replaceChildren(...sentence(change));
  document.getElementById("guard-count").textContent = count("guard.all", change.agents);
  const parts = change.parts.map(part);
  if (change.parts.length < change.agents) parts.push(element("li", say("guard.more", { n: change.agents - change.parts.length })));
  document.getElementById("guard-parts").replaceChildren(...parts);
  for (const button of dialog.querySelectorAll("[data-decide]")) button.hidden = !waits(change);
}

function part(part) {
  const line = element("li");
  line.dataset.agent = part.agent_id;
  const agent = element("a", part.name || part.agent_id);
  agent.href = `/agents/${encodeURIComponent(part.agent_id)}`;
  const name = element("bdi");
  name.append(agent);
  line.append(name);
  if (part.name) {
    const id = element("small");
    id.append(element("bdi", part.agent_id));
    line.append(" ", id);
  }
  const deed = element("span");
  deed.className = "deed";
  deed.append(...what(part));
  line.append(": ", deed, ` ${say(`guard.then.${part.desired_after}`)}`);
  if (part.state === "held") return line;
  line.dataset.done = String(!part.outcome || part.outcome === "done");
  const key = part.outcome && part.outcome !== "done" && part.outcome !== "over" ? `problem.${part.outcome}` : `guard.state.${part.state}`;
  line.append(` (${knows(key) ? say(key) : part.outcome})`);
  return line;
}

/** What a part does, as a sentence: of a hold until when, why and whose it is. */
function what(part) {
  const hold = part.hold;
  const values = {
    instance: element("bdi", part.instance ?? ""),
    until: hold ? time(hold.until, "clock") : "",
    reason: element("q", hold?.reason ?? ""),
    who: element("bdi", hold?.author ?? ""),
  };
  let key = part.kind;
  if (key === "hold" && hold) key = `hold.${hold.state}`;
  if (key === "release" && !hold) key = "released";
  if (key === "instance" && !part.instance) key = "no_instance";
  if (key === "removal" && part.erases) key = "erasure";
  return phrase(`guard.part.${key}`, values);
}

async function decide(decision) {
  const number = shown; // another may be looked at before the answer comes
  const refusal = document.getElementById("guard-refusal");
  const buttons = [...dialog.querySelectorAll("[data-decide]")];
  refusal.textContent = "";
  for (const button of buttons) button.disabled = true;
  let change = null;
  let words = ""; // of a refusal
  try {
    change = await send("POST", `/v1/guard/${number}/${decision}`);
  } catch (error) {
    words = error.problem ? explain(error.problem) : error.message;
    change = await ask(`/v1/guard/${number}`).catch(() => null);
  }
  if (isSignedOut()) return;
  for (const button of buttons) button.disabled = false;
  if (shown === number) {
    if (change) show(change);
    refusal.textContent = words;
    if (!words) document.getElementById("guard-title").focus();
    else if (!dialog.open) dialog.showModal();
  }
  showGuards();
}
