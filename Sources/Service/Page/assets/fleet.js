// Keeps the table as the stream tells it: rows change in place, come, go, and stand in the order of who needs somebody.

import { measured, show, tick } from "./ages.js";
import { follow, reread } from "./live.js";

const rowLimit = 2000; // rows a browser holds with ease; beyond, the filter has to be narrowed

const fleet = document.getElementById("fleet");
let body, order, rows, words, isWhole, nobody;

function adopt() {
  body = document.getElementById("rows");
  nobody = document.getElementById("nobody");
  order = fleet.dataset.order.split(" ");
  rows = new Map([...body.rows].map((row) => [row.dataset.agent, row]));
  words = new Map([...fleet.querySelectorAll("[data-word]")].map((word) => [word.dataset.word, word.textContent]));
  isWhole = !document.getElementById("more") && !new URLSearchParams(location.search).has("cursor");
  measured(fleet.dataset.now);
  tick();
}

// Changes are shown together, a few times a second at most, however many come.
let pending = new Map();
let isDue = false;

function later(agentID, agent) {
  pending.set(agentID, agent);
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    const changes = pending;
    pending = new Map();
    apply(changes);
  }, 100);
}

function apply(changes) {
  const focused = document.activeElement;
  const moved = [];
  for (const [agentID, agent] of changes) {
    const row = rows.get(agentID);
    if (!agent) {
      row?.remove();
      rows.delete(agentID);
    } else if (row) {
      const place = key(row);
      fill(row, agent);
      if (key(row) !== place) moved.push(row);
    } else if ((isWhole || rank(agent) < order.indexOf("held")) && rows.size < rowLimit) {
      const added = blankRow();
      fill(added, agent);
      rows.set(agentID, added);
      moved.push(added);
    }
  }
  if (moved.length) arrange(moved);
  nobody.hidden = rows.size > 0;
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

function blankRow() {
  const template = document.getElementById("blank-row");
  return template.content.firstElementChild.cloneNode(true);
}

function rank(agent) {
  const onShift = agent.shift === "out" ? -1 : order.indexOf(`${agent.condition}:on`);
  return onShift >= 0 ? onShift : order.indexOf(agent.condition);
}

function key(row) {
  return `${row.dataset.rank.padStart(2, "0")}\n${row.querySelector("[data-field=team]").textContent}\n${row.dataset.agent}`;
}

/** Puts rows where they belong among the others, touching no other row. */
function arrange(moved) {
  const moving = new Set(moved);
  const standing = [...body.rows].filter((row) => !moving.has(row)).map((row) => [key(row), row]);
  for (const row of moved.sort((left, right) => (key(left) < key(right) ? 1 : -1))) {
    const place = key(row);
    let low = 0;
    let high = standing.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (standing[middle][0] < place) low = middle + 1;
      else high = middle;
    }
    const next = standing[low]?.[1] ?? null;
    if (row.nextElementSibling !== next || row.parentElement !== body) body.insertBefore(row, next);
    standing.splice(low, 0, [place, row]);
  }
}

function fill(row, agent) {
  const field = (name) => row.querySelector(`[data-field=${name}]`);
  const text = (name, value) => {
    const element = field(name);
    if (element.textContent !== value) element.textContent = value;
  };
  const isStale = agent.reason === "stale" || agent.reason === "never_read";
  row.dataset.agent = agent.agent_id;
  row.dataset.rank = String(rank(agent));
  row.dataset.condition = agent.condition;
  row.dataset.stale = String(isStale);
  field("badge").dataset.condition = agent.condition;
  field("shift").dataset.shift = agent.shift;
  field("name").href = `/agents/${encodeURIComponent(agent.agent_id)}`;
  text("name", agent.name || agent.agent_id);
  text("agent_id", agent.agent_id);
  text("team", agent.team);
  text("shift", words.get(agent.shift) ?? agent.shift);
  text("desired", agent.desired);
  text("observed", observed(agent, isStale));
  text("condition", words.get(agent.condition) ?? agent.condition);
  text("reason", agent.reason_text);
  text("hold", agent.hold ? `Held ${agent.hold.state} by ${agent.hold.author} until ${clock(agent.hold.until)}: ${agent.hold.reason}` : "");
  show(field("shift_since"), agent.shift_since);
  show(field("since"), agent.since);
  show(field("as_of"), agent.as_of, "never");
}

function observed(agent, isStale) {
  if (!agent.instance) return "–";
  if (!agent.observed) return "not seen yet";
  return isStale ? `last seen ${agent.observed}` : agent.observed;
}

/** The same words as the server's. */
function clock(instant) {
  return `${instant.slice(0, 19).replace("T", " ")} UTC`;
}

function count(summary) {
  const part = fleet.dataset.anyTeam === "true" ? summary : summary.teams.find((team) => team.team === fleet.dataset.team);
  const counts = { agents: part?.agents ?? 0, ...part?.shift, ...part?.condition };
  for (const element of fleet.querySelectorAll("[data-count]")) {
    element.textContent = counts[element.dataset.count] ?? 0;
    element.closest("[data-zero]")?.setAttribute("data-zero", element.textContent);
  }
}

function incident(incident) {
  const place = document.getElementById("incidents");
  place.querySelector(`[data-incident="${incident.id}"]`)?.remove();
  if (incident.closed_at) return;
  const line = document.createElement("p");
  line.className = "banner incident";
  line.dataset.incident = incident.id;
  const name = document.createElement("strong");
  name.textContent = incident.engine ?? incident.source ?? incident.change;
  const whose = incident.change ? "Change " : incident.source ? "Clock source " : "Engine ";
  const began = document.createElement("span");
  show(began, incident.opened_at);
  line.append(whose, name, `: ${place.dataset[incident.kind] ?? incident.kind}. It began `, began, ".");
  place.prepend(line);
}

/** Everything anew, as the server puts it together, but for the filter that somebody may be filling in. */
async function reset() {
  pending = new Map();
  const fresh = await reread(location.href, "fleet");
  const name = document.activeElement?.closest?.("[data-agent]")?.dataset.agent;
  for (const part of ["incidents", "unmatched", "counts", "rows", "nobody", "more-place"]) {
    document.getElementById(part).replaceWith(fresh.querySelector(`#${part}`));
  }
  fleet.dataset.now = fresh.dataset.now;
  adopt();
  if (name) rows.get(name)?.querySelector("a").focus({ preventScroll: true });
}

/** Names that nobody knows come without a word on the stream, so they are asked for now and then. */
async function askUnmatched() {
  if (document.hidden) return;
  const response = await fetch("/unmatched/count", { cache: "no-store", credentials: "same-origin" });
  if (!response.ok) return;
  const { text } = await response.json();
  const place = document.getElementById("unmatched");
  if ((place.querySelector("a")?.textContent ?? "") === text) return;
  place.replaceChildren();
  if (!text) return;
  const line = document.createElement("p");
  line.className = "banner quiet";
  const link = document.createElement("a");
  link.href = "/unmatched";
  link.textContent = text;
  line.append(link);
  place.append(line);
}
setInterval(() => askUnmatched().catch(() => {}), 15_000);

document.addEventListener("click", more);
async function more(event) {
  const link = event.target.closest?.("#more");
  if (!link) return;
  event.preventDefault();
  const next = await reread(link.href, "fleet");
  const added = [];
  for (const row of [...next.querySelector("#rows").rows]) {
    if (rows.has(row.dataset.agent)) continue;
    rows.set(row.dataset.agent, row);
    added.push(row);
  }
  arrange(added);
  const place = document.getElementById("more-place");
  place.replaceWith(next.querySelector("#more-place"));
  if (rows.size >= rowLimit) document.getElementById("more-place").textContent = "Narrow the filter to see others.";
  isWhole = !document.getElementById("more");
  document.getElementById("more")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(input|select|textarea)$/i.test(document.activeElement?.tagName ?? "")) return;
  event.preventDefault();
  document.getElementById("search").select();
});

adopt();
document.getElementById("filter").addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT") event.target.form.requestSubmit();
});
follow(fleet.dataset.stream, {
  reset,
  agent: (agent) => later(agent.agent_id, agent),
  removed: (agent) => later(agent.agent_id, null),
  summary: count,
  incident,
});
