// A change that waits for somebody, agent by agent, and the word of whoever may decide about it: about no more than is shown.

import { explain, prepareDialog, send } from "./acts.js";
import { now } from "./ages.js";
import { ask, filled, icon, mayDecide, sentence, showGuards, waits, what } from "./guards.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { count, element, knows, say } from "./words.js";

const rest = 1_000; // milliseconds in which nobody decides about what has only just taken the place of what they read

const dialog = document.getElementById("guard-dialog");
const title = document.getElementById("guard-title");
const list = document.getElementById("guard-parts");
const refusal = document.getElementById("guard-refusal");
const buttons = [...dialog.querySelectorAll("[data-decide]")];
let shown = null; // the change in the dialog, as it is shown
let wanted = null; // the number of the one that somebody asked for last
let isDeciding = false;
let resting = null; // until somebody may decide about what is new
let ending = null; // until the time of the change is over

prepareDialog(dialog);
for (const button of buttons) {
  button.addEventListener("click", () => {
    if (!button.ariaDisabled && !isDeciding) decide(button.dataset.decide);
  });
}
whenSignedOut(() => {
  clearTimeout(ending);
  shown = null;
});

/** Opens a change; gives whether there was an answer, or is no need of one any more. */
export async function look(number) {
  wanted = number;
  const change = await ask(`/v1/guard/${number}`).catch(() => null);
  if (wanted !== number || isSignedOut()) return true; // nobody decides on another than the one that was asked for
  if (!change) return false;
  refusal.textContent = "";
  show(change);
  if (!dialog.open) dialog.showModal();
  return true;
}

/** Shows the change that is open anew where it is not what is shown any more, and says so to who is about to decide. */
export async function lookAgain() {
  const before = shown;
  if (!dialog.open || isDeciding) return;
  // Without an answer a decision is held against what is shown all the same.
  const change = await ask(`/v1/guard/${before.change}`).catch(() => null);
  if (!change || isDeciding || shown !== before || JSON.stringify(change) === JSON.stringify(before)) return;
  const focused = document.activeElement;
  const agent = focused?.closest("#guard-parts [data-agent]")?.dataset.agent;
  const wasAsked = waits(before);
  show(change);
  if (agent) (list.querySelector(`[data-agent="${CSS.escape(agent)}"] a`) ?? title).focus({ preventScroll: true });
  else if (focused?.hidden) title.focus();
  if (wasAsked && mayDecide(shown) && asked(shown) !== asked(before)) tellNews();
}

/** What of a change is decided about, to be compared: not what people are called, nor what has come of parts. */
function asked(change) {
  const held = change.parts.filter((part) => part.state === "held");
  const deeds = held.map((part) => [part.agent_id, part.kind, part.hold, part.erases, part.instance, part.desired_after]);
  return JSON.stringify([waits(change), change.waiting, deeds]);
}

/** Says that the change is not what it was, and lets nobody decide before they can have seen that. */
function tellNews() {
  refusal.textContent = explain({ code: waits(shown) ? "more_waits" : "already_decided" });
  bar("true");
  clearTimeout(resting);
  resting = setTimeout(() => bar(null), rest);
}

/** Lets nobody decide, or lets them again (`null`): a button that is disabled would lose the focus. */
function bar(isBarred) {
  for (const button of buttons) button.ariaDisabled = isBarred;
}

/** Leads to the title who would stand nowhere, since what had the focus is not to be seen any more. */
function keepFocus() {
  const focused = document.activeElement;
  if (dialog.open && (focused?.hidden || !dialog.contains(focused))) title.focus();
}

function show(change) {
  shown = change;
  document.getElementById("guard-words").replaceChildren(...sentence(change));
  document.getElementById("guard-count").textContent = count("guard.all", change.agents);
  const parts = change.parts.map(part);
  if (change.parts.length < change.agents) parts.push(element("li", say("guard.more", { n: change.agents - change.parts.length })));
  list.replaceChildren(...parts);
  offer();
}

/** Offers a decision for as long as somebody is asked for it. */
function offer() {
  const isAsked = waits(shown);
  for (const button of buttons) button.hidden = !isAsked || !mayDecide(shown);
  clearTimeout(ending);
  if (!isAsked || !shown.expires_at) return;
  ending = setTimeout(() => {
    if (waits(shown)) return;
    offer();
    tellNews();
    keepFocus();
  }, Date.parse(shown.expires_at) - now() + 100);
}

function part(part) {
  const line = element("li");
  line.dataset.agent = part.agent_id;
  const agent = element("a", part.name || part.agent_id);
  agent.href = `/agents/${encodeURIComponent(part.agent_id)}`;
  line.append(filled("bdi", "", agent));
  if (part.name) line.append(" ", filled("small", "", element("bdi", part.agent_id)));
  const isHeld = part.state === "held"; // what it would do; else the deed alone is named, and what came of it
  const deed = filled("span", "deed", ...what(part, isHeld ? "part" : "deed"));
  line.append(": ", deed, ` ${say(`guard.then.${part.desired_after}`)}`);
  if (isHeld) return line;
  // What came of it has a mark and a word of its own each; else a problem stood against it.
  const came = (part.state === "approved" && part.outcome) || part.state;
  const key = [`guard.state.${came}`, `problem.${came}`].find(knows);
  line.dataset.done = key?.startsWith("guard") ? came : "false";
  line.prepend(icon());
  line.append(` (${key ? say(key) : came})`);
  return line;
}

/** What is decided about: how much of it is shown as waiting, and of whom, where all are shown and it can be decided in parts. */
function meant(change, decision) {
  const body = {};
  body.waiting = change.waiting;
  const isWhole = change.kind === "setting" || (change.kind === "listing" && decision === "refuse");
  if (!isWhole && change.parts.length >= change.agents) {
    const held = change.parts.filter((part) => part.state === "held");
    body.waiting = held.length;
    body.agents = [...new Set(held.map((part) => part.agent_id))];
  }
  return body;
}

async function decide(decision) {
  const number = shown.change; // another may be looked at before the answer comes
  const body = meant(shown, decision);
  refusal.textContent = "";
  isDeciding = true;
  bar("true");
  let change = null;
  let words = ""; // of a refusal
  let isNews = false; // whether something of it waits that was not shown
  try {
    change = await send("POST", `/v1/guard/${number}/${decision}`, body);
    isNews = waits(change);
  } catch (error) {
    words = error.problem ? explain(error.problem) : error.message;
    isNews = error.problem?.code === "more_waits";
    change = await ask(`/v1/guard/${number}`).catch(() => null);
  }
  isDeciding = false;
  if (isSignedOut()) return;
  bar(null);
  if (shown.change === number) {
    if (change) show(change);
    refusal.textContent = words;
    if (isNews) tellNews();
    if (!words) title.focus();
    else if (!dialog.open) dialog.showModal();
    keepFocus();
  }
  showGuards();
}
