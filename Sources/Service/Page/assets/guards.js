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
let last = null; // what the cards show; before the first answer, what the server put there
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
  return change.state === "held" && (change.waiting > 0 || change.kind === "setting");
}

/** What it is, in a sentence. */
function sentence(change) {
  const key = `guard.what.${change.kind}`;
  const values = { who: element("bdi", change.asked_by), n: change.affected, all: change.instances };
  return phrase(change.kind !== "listing" && change.reason === "from_listing" ? "guard.what.from_listing" : key, values);
}

/** An element with all that is in it. */
function filled(kind, name, ...pieces) {
  const made = element(kind);
  if (name) made.className = name;
  made.append(...pieces);
  return made;
}

function card(change) {
  const when = filled("p", "evidence", ...phrase("guard.asked", { asked: time(change.asked_at), agents: count("guard.agents", change.waiting) }));
  if (change.expires_at) when.append(" ", ...phrase("guard.until", { ahead: time(change.expires_at, "ahead") }));
  const button = filled("button", "small", say(dialog.querySelector("[data-decide]") ? "guard.decide" : "guard.show"));
  button.type = "button";
  button.dataset.open = "";
  const item = filled("li", "need", ...wish(change), filled("p", "", ...sentence(change)), when, filled("p", "buttons", button));
  item.classList.add("guard");
  item.dataset.change = change.change;
  return item;
}

/** What is asked for, a line each, and for whom: the same as the server's. */
function wish({ asks, first_agents: first, concerned }) {
  const lines = asks.map((ask) => filled("p", "ask", asks.length > 1 ? `${count("guard.all", ask.agents)} ` : "", ...what(ask)));
  if (first.length) {
    const whom = first.flatMap((agent, index) => [index ? " · " : " ", element("bdi", agent.name || agent.agent_id)]);
    const more = concerned - first.length;
    lines.push(filled("p", "", count("guard.all", concerned), ...whom, more > 0 ? ` · ${say("guard.more", { n: more })}` : ""));
  }
  return lines;
}

async function open(card) {
  const number = card.dataset.change;
  wanted = number;
  card.querySelector("[role=status]")?.remove();
  const change = await ask(`/v1/guard/${number}`).catch(() => null);
  if (wanted !== number || isSignedOut()) return; // nobody decides on another than the one that was asked for
  if (!change) {
    const outcome = filled("p", "evidence", say("guard.no_answer"));
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
  line.append(filled("bdi", "", agent));
  if (part.name) line.append(" ", filled("small", "", element("bdi", part.agent_id)));
  line.append(": ", filled("span", "deed", ...what(part)), ` ${say(`guard.then.${part.desired_after}`)}`);
  if (part.state === "held") return line;
  // What came of it has a mark and a word of its own each; else a problem stood against it.
  const came = (part.state === "approved" && part.outcome) || part.state;
  const key = [`guard.state.${came}`, `problem.${came}`].find(knows);
  line.dataset.done = key?.startsWith("guard") ? came : "false";
  const mark = filled("span", "icon");
  mark.setAttribute("aria-hidden", "true");
  line.prepend(mark);
  line.append(` (${key ? say(key) : came})`);
  return line;
}

/** What a part does, or all that are alike, as a sentence: of a hold until when, why and whose it is. */
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
  if (key === "instance" && !part.instance) key = part.unassigns === false ? "sessions" : "no_instance";
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
