// Keeps the fleet as the stream tells it: who needs somebody, everybody, the counts, and what befalls engines and sources.

import { send } from "./acts.js";
import { measured, show, tick } from "./ages.js";
import { incident, waiting } from "./banners.js";
import { prepareBulk } from "./bulk.js";
import { hideChanges, prepareGuards, showGuards } from "./guards.js";
import { follow, reread } from "./live.js";
import { adoptNeeds, cardLimit, countCards, listed, need, needCount, refill } from "./needs.js";
import { tellNews } from "./news.js";
import { isUnattended } from "./pulse.js";
import { readBadly, readWell, request, rest } from "./reading.js";
import { renew } from "./renew.js";
import { Roster } from "./roster.js";
import { exceptions, fill, setOrder } from "./row.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { showTeams } from "./teams.js";
import { element, say } from "./words.js";

const agentLimit = 20_000; // agents a browser holds with ease; beyond, the filter has to be narrowed
const pause = 20; // milliseconds between two pages of the list, so that the page stays at hand
const retry = 3000; // milliseconds until a page of the list that could not be read is asked for again

const fleet = document.getElementById("fleet");
setOrder(fleet.dataset.order);
const roster = new Roster(fleet.dataset.sort);
const bulk = prepareBulk(roster);
prepareGuards();
const isPage = fleet.dataset.page !== "";
const isNarrow = fleet.dataset.narrow === "true"; // by more than the team, which is all that the counts know
measured(fleet.dataset.now);
adoptNeeds();
tick();

// Changes are shown together, a few times a second at most, however many come.
let pending = new Map();
let isDue = false;
let isLoaded = false;
let isCut = false; // whether there are more than a browser holds
let counted = null; // how many need somebody by the counts, once those came
let told = null; // the counts that the stream told last
let pairing = null; // what pairs phones, which a browser loads once somebody wants it
let isPairingOnItsWay = false;
let unpaired = 0; // how often it could not be loaded

function later(agentID, agent) {
  pending.set(agentID, agent);
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    apply();
  }, 100);
}

function apply() {
  if (isSignedOut()) return;
  roster.steady(() => {
    for (const [agentID, agent] of pending) {
      need(agentID, agent);
      pairing?.pairingNews(agent ?? { agent_id: agentID });
      if (!agent) bulk?.drop(agentID);
      const row = !isLoaded && roster.rows.get(agentID);
      if (row && agent) fill(row, agent);
      else if (row && isPage) roster.lose(agentID);
    }
  });
  if (isPage) {
    pending = new Map(); // a page of a list that is no more than that
    countNeeds();
    tellNews(listed);
  }
  if (!isLoaded) return; // what comes meanwhile is laid over what is read
  const changes = pending;
  pending = new Map();
  roster.take(changes);
  whole();
}

function everybody() {
  return roster.agents.values();
}

/** Everybody is known: what follows from that. */
function whole() {
  document.getElementById("nobody").hidden = roster.agents.size > 0;
  roster.steady(() => {
    countNeeds();
    refill(everybody());
  });
  tellNews(everybody);
  bulk?.follow();
}

/** How many need somebody of those who fit the filter: counted where everybody is known, else as the counts say. */
function countNeeds() {
  if (isLoaded && !isCut) {
    let needing = 0;
    for (const agent of everybody()) if (exceptions.has(agent.agreement)) needing += 1;
    needCount(needing);
  } else if (!isNarrow) {
    if (counted !== null) needCount(counted);
  } else if (isPage) {
    countCards();
  }
}

let loading = 0; // which reading is the newest
/**
 * Reads everybody who fits the filter, page by page, and shows them, unless a newer reading begins meanwhile.
 *
 * A page that failed is asked for again: a cursor names who was read last, however long ago, and the stream tells what changes.
 */
async function load() {
  if (isPage || isSignedOut()) return;
  const own = ++loading;
  isLoaded = false;
  const place = document.getElementById("more-place");
  const agents = new Map();
  let cursor = null;
  let page;
  do {
    const began = Date.now();
    const address = fleet.dataset.list + (cursor ? `&cursor=${cursor}` : "");
    page = await request(address).then((answer) => answer.json()).catch(() => null);
    if (own !== loading || isSignedOut()) return; // the newer one says how it went
    if (page) {
      for (const agent of page.items) agents.set(agent.agent_id, agent);
      cursor = page.next_cursor;
      if (!cursor) break;
      place.textContent = say("fleet.loading", { n: agents.size });
    } else {
      readBadly("list", began);
    }
    await rest(page ? pause : retry);
    if (own !== loading || isSignedOut()) return;
  } while (!page || agents.size < agentLimit);
  place.textContent = cursor ? say("fleet.narrow", { n: agents.size }) : "";
  for (const [agentID, agent] of pending) {
    if (agent) agents.set(agentID, agent);
    else agents.delete(agentID);
  }
  pending = new Map();
  isLoaded = true;
  isCut = cursor !== null;
  roster.replace([...agents.values()]);
  roster.steady(() => document.getElementById("page-order")?.remove());
  whole();
  readWell("list");
}

/** On a page of a list, reads its rows again: they are older than the stream, which tells of what happens from its beginning on. */
async function readPage() {
  const { items } = await (await request(fleet.dataset.page)).json();
  if (isSignedOut()) throw new Error("401"); // it ended meanwhile, and nobody may see this
  const agents = new Map(items.map((agent) => [agent.agent_id, agent]));
  for (const [agentID, row] of [...roster.rows]) {
    if (agents.has(agentID)) {
      fill(row, agents.get(agentID));
    } else {
      roster.lose(agentID);
      bulk?.drop(agentID);
    }
  }
}

function count(summary) {
  told = summary;
  roster.steady(() => showCounts(summary));
  if (isPage) apply(); // who came before these counts has a card by now
  roster.steady(() => {
    countNeeds();
    if (isLoaded) refill(everybody());
  });
  // On a page of a list the server tells who it is; it looked only for the kinds of need that its counts told it of.
  const isLacking = isPage && !isNarrow && listed().length < Math.min(counted, cardLimit);
  return isLacking ? reset() : undefined;
}

function showCounts(summary) {
  const isAny = fleet.dataset.anyTeam === "true";
  const part = isAny ? summary : summary.teams.find((team) => team.team === fleet.dataset.team);
  const counts = { ...part, ...part?.shift, ...part?.condition };
  for (const place of fleet.querySelectorAll("#counts [data-count]")) {
    place.textContent = counts[place.dataset.count] ?? 0;
    place.closest("[data-zero]")?.setAttribute("data-zero", place.textContent);
  }
  for (const place of fleet.querySelectorAll("[data-counted]")) show(place, summary.as_of);
  showTeams(summary.teams);
  counted = counts.needs_somebody ?? 0;
}

/** Everything anew, as the server puts it together, but for the filter that somebody may be filling in. */
async function reset() {
  pending = new Map(); // older than what is read now
  const began = Date.now();
  let fresh;
  try {
    fresh = await reread(location.href, "fleet");
    if (isPage) await readPage();
    readWell("fleet");
  } catch (error) {
    readBadly("fleet", began);
    throw error;
  }
  roster.steady(() => {
    for (const part of ["incidents", "unmatched", "needs", "counts"]) {
      renew(document.getElementById(part), fresh.querySelector(`#${part}`));
    }
    hideChanges();
  });
  showGuards();
  measured(fresh.dataset.now);
  adoptNeeds();
  counted = null; // older than what was read
  if (isPage) tellNews(listed);
  tick();
  load();
  // The counts of the server's page are shared, and may be older than what this stream has told, which tells of whatever follows.
  if (told) {
    showCounts(told);
    countNeeds();
  }
}

/** The stream begins anew: what was told before is over, and counts follow at once. */
function restart() {
  told = null;
  return reset();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-pair], [data-look]");
  const card = button?.closest("[data-agent]");
  if (!card || button.ariaDisabled) return;
  const agentID = card.dataset.agent;
  const outcome = element("span");
  outcome.setAttribute("role", "status");
  outcome.dataset.own = "";
  if (button.matches("[data-pair]")) {
    if (isPairingOnItsWay) return;
    isPairingOnItsWay = true;
    try {
      // A browser keeps that it got none, so the next one is asked for under another address.
      pairing ??= await (unpaired ? import(`./pairing.js?${unpaired}`) : import("./pairing.js"));
    } catch {
      unpaired += 1;
      button.after(" ", outcome);
      outcome.textContent = say("guard.no_answer");
      setTimeout(() => outcome.remove(), 5000);
    }
    isPairingOnItsWay = false;
    // Meanwhile nobody may be signed in any more, or the agent be paired.
    if (pairing && !isSignedOut() && card.isConnected) pairing.pair(agentID, card.querySelector("[data-field=name]").textContent);
    return;
  }
  // Disabled it would lose the focus.
  button.ariaDisabled = "true";
  button.after(" ", outcome);
  try {
    await send("POST", `/v1/agents/${encodeURIComponent(agentID)}/reconcile`);
    outcome.textContent = say(isUnattended(card.dataset.engine) ? "act.unattended" : "act.looking");
  } catch (error) {
    outcome.textContent = error.message;
  }
  await new Promise((resolve) => setTimeout(resolve, 5000));
  outcome.remove();
  button.ariaDisabled = null;
});

// What is not asked for does not stand in the address.
document.getElementById("filter").addEventListener("submit", (event) => {
  const { team, no_team: noTeam, agreement, condition } = event.target.elements;
  noTeam.disabled = !team.selectedOptions[0]?.matches("[data-teamless]");
  if (condition) condition.disabled = !agreement.selectedOptions[0]?.matches("[data-of-condition]");
  for (const field of event.target.elements) {
    if (field.name && (!field.value || (field.name === "sort" && field.value === "agent"))) field.disabled = true;
  }
});
window.addEventListener("pageshow", () => {
  if (isSignedOut()) return;
  for (const field of document.getElementById("filter").elements) field.disabled = field.name === "no_team";
});

whenSignedOut(() => {
  loading += 1;
  pending = new Map();
  told = null;
  roster.forget();
});

if (fleet.dataset.stream.includes("last_event_id")) load(); // else at its reset
follow(fleet.dataset.stream, {
  reset: restart,
  agent: (agent) => later(agent.agent_id, agent),
  removed: (agent) => later(agent.agent_id, null),
  summary: count,
  incident,
  waiting,
});
