// The cards of who needs somebody, worst first.

import { exceptions, fill, order } from "./row.js";

const cardLimit = 50; // as many as the server shows

let list, calm, blank;

export function adoptNeeds() {
  list = document.getElementById("need-list");
  calm = document.getElementById("calm");
  blank = document.getElementById("blank-need").content.firstElementChild;
  for (const card of list.children) tidy(card);
}

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
  calm.hidden = list.children.length > 0;
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
