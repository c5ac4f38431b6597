// The banners of the fleet's page: what befalls engines and sources, and names that nobody knows.

import { time } from "./ages.js";
import { showGuards } from "./guards.js";
import { keepReading, limit } from "./reading.js";
import { isSignedOut } from "./session.js";
import { element, knows, phrase } from "./words.js";

/** Shows an incident, or no more. */
export function incident(incident) {
  if (incident.change) {
    showGuards();
    return;
  }
  const place = document.getElementById("incidents");
  place.querySelector(`[data-incident="${incident.id}"]`)?.remove();
  if (incident.closed_at) return;
  const line = element("p");
  line.classList.add("banner", "incident");
  line.dataset.incident = incident.id;
  const icon = element("span");
  icon.className = "icon";
  icon.setAttribute("aria-hidden", "true");
  const whose = incident.source ? "source" : "engine";
  const key = `incident.${whose}.${incident.kind}`;
  const values = {
    name: element("strong", incident.engine ?? incident.source),
    began: time(incident.opened_at),
    kind: incident.kind,
  };
  line.append(icon, ...phrase(knows(key) ? key : "incident.other", values));
  place.prepend(line);
}

/** Names that nobody knows come without a word on the stream, so they are asked for now and then. */
async function askUnmatched() {
  const response = await fetch("/unmatched/count", { cache: "no-store", credentials: "same-origin", signal: limit() });
  if (!response.ok) throw new Error(String(response.status));
  const { text } = await response.json();
  if (isSignedOut()) return;
  const place = document.getElementById("unmatched");
  if ((place.querySelector("a")?.textContent ?? "") === text) return;
  place.replaceChildren();
  if (!text) return;
  const line = element("p");
  line.classList.add("banner", "quiet");
  const link = element("a", text);
  link.href = "/unmatched";
  line.append(link);
  place.append(line);
}
keepReading("unmatched", askUnmatched, 15_000);
