// Writes an agent into a row or a card, in the same words as the server's.

import { clock, show, time } from "./ages.js";
import { isUnattended, whenCertaintyChanges } from "./pulse.js";
import { balanced, element, knows, phrase, say } from "./words.js";

/** Agreements that need somebody, and all of them worst first. */
export let order = [];
export let exceptions = new Set();

export function setOrder(text) {
  const [needing, others] = text.split(" | ").map((part) => part.split(" "));
  exceptions = new Set(needing);
  order = [...needing, ...others];
}

export function rank(agent) {
  return order.indexOf(agent.agreement);
}

export function nameOf(agent) {
  return agent.name || agent.agent_id;
}

/** Fills in the fields that there are. */
export function fill(place, agent) {
  const field = (name) => place.querySelector(`[data-field=${name}]`);
  const text = (name, value) => {
    const found = field(name);
    if (found && found.textContent !== value) found.textContent = value;
  };
  const isStale = agent.reason === "stale" || agent.reason === "never_read";
  place.dataset.agent = agent.agent_id;
  place.dataset.agreement = agent.agreement;
  place.dataset.condition = agent.condition;
  place.dataset.stale = String(isStale);
  place.dataset.engine = agent.instance?.engine ?? "";
  place.dataset.since = agent.since;
  field("badge").dataset.agreement = agent.agreement;
  field("name").href = `/agents/${encodeURIComponent(agent.agent_id)}`;
  text("name", balanced(nameOf(agent)));
  text("agent_id", agent.agent_id);
  text("pick", say("fleet.pick", { name: balanced(nameOf(agent)) }));
  text("team", balanced(agent.team));
  text("agreement", say(`agreement.${agent.agreement}`));
  text("reason", reason(agent));
  text("observed", observed(agent, isStale));
  field("observed").dataset.word = agent.observed ?? "";
  text("wanted", agent.rule === "break" ? say("fleet.wanted", { state: say(`state.${agent.desired}`) }) : "");
  hold(field("hold"), agent.hold);
  show(field("as_of"), agent.as_of);
  if (field("shift")) {
    field("shift").dataset.shift = agent.shift;
    text("shift", say(`shift.${agent.shift}`));
    show(field("shift_since"), agent.shift_since, "", "for");
    show(field("since"), agent.since, "", "for");
  } else {
    field("turn").dataset.attended = agent.turn;
    sayTurn(place);
    show(field("for"), agent.since, "", "for");
    field("seen").hidden = !agent.as_of;
  }
}

/** Says on a card whose turn it is: the operator's in place of ours or the engine's while nobody acts for that. */
function sayTurn(card) {
  const place = card.querySelector("[data-field=turn]");
  const { attended } = place.dataset;
  const isMoved = isUnattended(card.dataset.engine) && (attended === "rollcall" || attended === "engine");
  const isAtIt = attended === "rollcall" && exceptions.has(card.dataset.agreement);
  const words = say(isMoved ? "turn.unattended" : isAtIt ? "turn.rollcall.exception" : `turn.${attended}`);
  place.dataset.turn = isMoved ? "operator" : attended;
  if (place.textContent !== words) place.textContent = words;
}

/** The same on every card; what the server says stands until the stream says whether anybody acts. */
export function sayTurns() {
  if (!document.body.dataset.engines) return;
  for (const card of document.querySelectorAll("#need-list > li")) sayTurn(card);
}
whenCertaintyChanges(sayTurns);

function reason(agent) {
  return knows(`reason.${agent.reason}`) ? say(`reason.${agent.reason}`) : agent.reason_text;
}

function observed(agent, isStale) {
  if (!agent.instance) return say("fleet.no_instance");
  if (!agent.observed) return say("fleet.not_seen");
  const state = knows(`session.${agent.observed}`) ? say(`session.${agent.observed}`) : agent.observed;
  return isStale ? say("fleet.last_seen", { state }) : state;
}

function hold(place, held) {
  const mark = held ? `${held.state} ${held.until} ${held.author} ${held.reason}` : "";
  if (place.dataset.mark === mark) return;
  place.dataset.mark = mark;
  if (!held) {
    place.replaceChildren();
    return;
  }
  place.replaceChildren(
    ...phrase("fleet.held", {
      state: say(`state.${held.state}`),
      author: element("bdi", held.author),
      until: clock(held.until),
      ahead: time(held.until, "ahead"),
      reason: element("bdi", held.reason),
    }),
  );
}
