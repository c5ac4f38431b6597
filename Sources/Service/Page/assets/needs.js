// The cards of who needs somebody, worst first, and how many that are.

import { whenCertaintyChanges } from "./pulse.js";
import { exceptions, fill, order, rank, sayTurns } from "./row.js";

export const cardLimit = 50; // as many as the server shows

let list, calm, more, blank, total;
let needed = 0; // how many there are, shown here or not

export function adoptNeeds() {
  list = document.getElementById("need-list");
  calm = document.getElementById("calm");
  more = document.getElementById("need-more");
  total = document.querySelector("[data-count=needs_somebody]");
  needed = parseInt(total.textContent, 10);
  blank = document.getElementById("blank-need").content.firstElementChild;
  for (const card of list.children) tidy(card);
  sayTurns();
}
whenCertaintyChanges(() => list && tell());

/** Shows an agent among them, or no more. */
export function need(agentID, agent) {
  const old = [...list.children].find((card) => card.dataset.agent === agentID);
  if (!agent || !exceptions.has(agent.agreement)) {
    old?.remove();
  } else {
    const card = old ?? blank.cloneNode(true);
    const before = old ? key(old) : null;
    fill(card, agent);
    tidy(card);
    if (key(card) !== before) place(card);
    if (list.children.length > cardLimit) list.lastElementChild.remove();
  }
  tell();
}

/** Who has a card, with what it says. */
export function listed() {
  return [...list.children].map((card) => ({ agent_id: card.dataset.agent, agreement: card.dataset.agreement }));
}

/** Shows how many need somebody. */
export function needCount(count) {
  needed = count;
  if (total.textContent !== String(count)) total.textContent = count;
  tell();
}

/** The same from the cards alone, which are all of them while there is room for more. */
export function countCards() {
  if (list.children.length < cardLimit) needCount(list.children.length);
}

/**
 * Nobody is said to need anything only where nobody does, whatever is shown, nothing waits for somebody either, and no session is
 * uncertain. Before the stream says whether any is, what the server says of that stands.
 */
export function tell() {
  const waits = document.querySelector("#incidents > *, #guard-list > *, #unmatched > *") !== null;
  const { engines } = document.body.dataset;
  const isKnown = engines === "certain" || (!engines && !calm.hidden);
  calm.hidden = !isKnown || waits || list.children.length > 0 || needed > 0;
  more.hidden = list.children.length >= needed;
}

/** Shows others where there is room, when some of those who were shown need nobody any more. */
export function refill(agents) {
  if (list.children.length >= Math.min(cardLimit, needed)) return;
  const shown = new Set([...list.children].map((card) => card.dataset.agent));
  const others = [...agents].filter((agent) => exceptions.has(agent.agreement) && !shown.has(agent.agent_id));
  others.sort((left, right) => rank(left) - rank(right) || (left.since < right.since ? -1 : 1));
  for (const agent of others.slice(0, cardLimit - list.children.length)) need(agent.agent_id, agent);
}

/** Shows the buttons that are of use, and no others. */
function tidy(card) {
  const buttons = card.querySelector("[data-scripted]");
  if (!buttons) return;
  const agreement = card.dataset.agreement;
  buttons.hidden = agreement === "here_unmapped" || agreement.startsWith("here_held");
  buttons.querySelector("[data-pair]").hidden = agreement !== "must_scan";
}

function key(card) {
  return `${String(order.indexOf(card.dataset.agreement)).padStart(2, "0")} ${card.dataset.since}`;
}

function place(card) {
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  const next = [...list.children].find((other) => other !== card && key(other) > key(card)) ?? null;
  list.insertBefore(card, next);
  focused?.focus({ preventScroll: true });
}
