// The counts by team: rows follow the counts, new teams get one, and that of a team that is gone goes.

import { balanced, say } from "./words.js";

const teamLimit = 500; // as many as the server shows

/** Shows the counts of every team. */
export function showTeams(teams) {
  const body = document.getElementById("teams");
  const counts = new Map(teams.map((team) => [team.team, team]));
  const rows = new Map([...body.rows].map((row) => [row.dataset.team, row]));
  for (const [name, row] of rows) {
    // What has the focus stays until it is elsewhere.
    if (counts.has(name) || row.contains(document.activeElement)) continue;
    row.remove();
    rows.delete(name);
  }
  dropChoices(counts);
  for (const name of counts.keys()) {
    if (!rows.has(name) && rows.size < teamLimit) rows.set(name, add(body, name));
  }
  for (const [name, row] of rows) {
    for (const cell of row.querySelectorAll("[data-of]")) {
      const text = String(counts.get(name)?.[cell.dataset.of] ?? 0);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }
}

/** Takes teams that are gone out of the filter, but for what is chosen there. */
function dropChoices(counts) {
  for (const option of [...document.querySelector("#filter [name=team]").options]) {
    const isTeamless = option.matches("[data-teamless]");
    if (option.selected || counts.has(option.value) || !(option.value || isTeamless)) continue;
    if (isTeamless) option.hidden = true;
    else option.remove();
  }
}

/** Makes a team's row and its choice in the filter, where the server would. */
function add(body, name) {
  const row = document.getElementById("blank-team").content.firstElementChild.cloneNode(true);
  row.dataset.team = name;
  const link = row.querySelector("a");
  link.href = address(name);
  link.querySelector("bdi").textContent = balanced(name) || say("fleet.no_team");
  body.insertBefore(row, [...body.rows].find((other) => isBefore(name, other.dataset.team)) ?? null);
  const select = document.querySelector("#filter [name=team]");
  if (!name) select.querySelector("[data-teamless]").hidden = false;
  const options = [...select.options].filter((option) => option.value);
  if (name && !options.some((option) => option.value === name)) {
    const next = options.find((option) => isBefore(name, option.value)) ?? select.querySelector("[data-teamless]");
    select.insertBefore(new Option(balanced(name), name), next);
  }
  return row;
}

/** Who is in no team comes last. */
function isBefore(name, other) {
  return name !== "" && (other === "" || name < other);
}

/** The page of a team: of all who are counted for it, so without the rest of the filter. */
function address(name) {
  const query = new URLSearchParams(location.search);
  for (const part of ["team", "no_team", "shift", "condition", "agreement", "q", "cursor", "lang"]) query.delete(part);
  if (name) query.set("team", name);
  else query.set("no_team", "true");
  return `/?${query}`;
}
