// Changes that wait for somebody: a card each, which says what it would do. The dialog is loaded once somebody looks at one.

import { now, time } from "./ages.js";
import { tell } from "./needs.js";
import { keepReading, limit } from "./reading.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { announce, count, element, phrase, say } from "./words.js";

const interval = 30_000; // milliseconds; the stream says when more or less waits, but not what else cards say

const place = document.getElementById("guards");
const dialog = document.getElementById("guard-dialog");
let inside = null; // what fills the dialog
let unloaded = 0; // how often that could not be loaded
let last = null; // what the cards show; before the first answer, what the server put there
let isTold = false; // whether it is known what waits, so that the cards say it
const known = new Set(); // the changes that had a card

const refresh = keepReading("guards", read, interval);

/** Asks what waits; it is asked for again now and then. */
export function prepareGuards() {
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
  const { items } = await ask("/v1/guard?state=held");
  if (isSignedOut()) return;
  const waiting = items.filter(waits);
  if (JSON.stringify(waiting) !== last) {
    last = JSON.stringify(waiting);
    const focused = document.activeElement?.closest?.("#guard-list [data-change]")?.dataset.change;
    const cards = waiting.map(card);
    document.getElementById("guard-list").replaceChildren(...cards);
    cards.forEach(tellOf);
    place.hidden = waiting.length === 0;
    if (focused) place.querySelector(`[data-change="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
  }
  isTold = true;
  hideChanges();
  tell();
  inside?.lookAgain();
}

/** Says a card to who listens, but for what moves on by itself, unless they heard of it or found it on the page. */
function tellOf({ dataset, children }) {
  const lines = [...children].filter((line) => !line.matches(".evidence, .buttons"));
  if (isTold && !known.has(dataset.change)) announce(lines.map((line) => line.textContent).join(" "));
  known.add(dataset.change);
}

/** Reads what the server has at an address. */
export async function ask(address) {
  const response = await fetch(address, { cache: "no-store", credentials: "same-origin", signal: limit() });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

/** Whether somebody is asked, and in time. A setting waits also while nobody whom it would concern is on break. */
export function waits(change) {
  const isOver = Date.parse(change.expires_at) <= now(); // never of one without an end
  return change.state === "held" && !isOver && (change.waiting > 0 || change.kind === "setting");
}

/** Whether who looks may decide about it; a setting is about everybody. */
export function mayDecide(change) {
  return dialog.querySelector("[data-decide]") !== null && !(change.kind === "setting" && "bound" in dialog.dataset);
}

/** What it is, in a sentence. */
export function sentence(change) {
  const key = `guard.what.${change.kind}`;
  const values = { who: element("bdi", change.asked_by), n: change.affected, all: change.instances };
  return phrase(change.kind !== "listing" && change.reason === "from_listing" ? "guard.what.from_listing" : key, values);
}

/** An element with all that is in it. */
export function filled(kind, name, ...pieces) {
  const made = element(kind);
  if (name) made.className = name;
  made.append(...pieces);
  return made;
}

/** A sign that is seen, and not read out. */
export function icon() {
  const sign = filled("span", "icon");
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

function card(change) {
  const when = filled("p", "evidence", ...phrase("guard.asked", { asked: time(change.asked_at), agents: count("guard.agents", change.waiting) }));
  if (change.expires_at) when.append(" ", ...phrase("guard.until", { ahead: time(change.expires_at, "ahead") }));
  const button = filled("button", "small", say(mayDecide(change) ? "guard.decide" : "guard.show"));
  button.type = "button";
  button.dataset.open = "";
  const item = filled("li", "need", ...wish(change), filled("p", "", ...sentence(change)), when, filled("p", "buttons", button));
  item.classList.add("guard");
  item.dataset.change = change.change;
  return item;
}

/** What is asked for, a line each, whose turn it is, and for whom it is: the same as the server's. */
function wish(change) {
  const { asks, first_agents: first, concerned } = change;
  const lines = asks.map((ask) => filled("p", "ask", asks.length > 1 ? `${count("guard.all", ask.agents)} ` : "", ...what(ask)));
  lines.push(filled("p", "turn", icon(), say(mayDecide(change) ? "guard.turn.own" : "guard.turn.other")));
  if (first.length) {
    const whom = first.flatMap((agent, index) => [index ? " · " : " ", element("bdi", agent.name || agent.agent_id)]);
    const more = concerned - first.length;
    lines.push(filled("p", "", count("guard.all", concerned), ...whom, more > 0 ? ` · ${say("guard.more", { n: more })}` : ""));
  }
  return lines;
}

async function open(card) {
  card.querySelector("[role=status]")?.remove();
  let isAnswered = false;
  try {
    // A browser keeps that it got none, so the next one is asked for under another address.
    inside ??= await (unloaded ? import(`./guard-dialog.js?${unloaded}`) : import("./guard-dialog.js"));
    isAnswered = isSignedOut() || (await inside.look(card.dataset.change));
  } catch {
    unloaded += 1;
  }
  if (isAnswered) return;
  const outcome = filled("p", "evidence", say("guard.no_answer"));
  outcome.setAttribute("role", "status");
  card.append(outcome);
}

/** What a part would do, or all that are alike, as a sentence, or its `deed`: of a hold until when, why and whose it is. */
export function what(part, words = "part") {
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
  return phrase(`guard.${words}.${key}`, values);
}
