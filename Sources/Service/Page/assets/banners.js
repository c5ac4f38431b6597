// The banners of the fleet's page: what befalls engines and sources, and names that nobody knows.

import { time } from "./ages.js";
import { icon, showGuards } from "./guards.js";
import { tell } from "./needs.js";
import { keepReading, paced, request } from "./reading.js";
import { isSignedOut } from "./session.js";
import { announce, element, knows, language, phrase } from "./words.js";

const renewGuards = paced(showGuards);

/** Shows an incident, or no more. That of a change is told whenever more or less of the change waits. */
export function incident(incident) {
  if (incident.change) return renewGuards();
  const place = document.getElementById("incidents");
  const old = place.querySelector(`[data-incident="${incident.id}"]`);
  old?.remove();
  if (!incident.closed_at) {
    const line = banner(incident);
    place.prepend(line);
    // Of an engine that is silent, or that nobody acts for, the pulse tells.
    if (!old && !/^(engine_outage|account_unattended)$/.test(incident.kind)) announce(line.textContent);
  }
  tell();
}

function banner(incident) {
  const line = element("p");
  line.classList.add("banner", "incident");
  line.dataset.incident = incident.id;
  line.dataset.engine = incident.engine ?? "";
  line.dataset.kind = incident.kind;
  const whose = incident.source ? "source" : "engine";
  const key = `incident.${whose}.${incident.kind}`;
  const values = {
    name: element("strong", incident.engine ?? incident.source),
    began: time(incident.opened_at),
    kind: incident.kind,
  };
  line.append(icon(), ...phrase(knows(key) ? key : "incident.other", values));
  return line;
}

/** Names that nobody knows are asked for when the stream says that something waits, and now and then besides. */
async function askUnmatched() {
  const { text, since } = await (await request(`/unmatched/count?lang=${language}`)).json();
  if (isSignedOut()) return;
  const place = document.getElementById("unmatched");
  const shown = place.querySelector("time")?.getAttribute("datetime") ?? null;
  if ((place.querySelector("a")?.textContent ?? "") === text && shown === since) return;
  place.replaceChildren();
  if (text) place.append(unmatched(text, since));
  if (text && !shown) announce(text);
  tell();
}
const refresh = keepReading("unmatched", askUnmatched, 15_000);

function unmatched(text, since) {
  const line = element("p");
  line.classList.add("banner", "quiet");
  const link = element("a", text);
  link.href = "/unmatched";
  const turn = element("small");
  turn.append(...phrase("unmatched.since", { since: time(since, "for") }));
  line.append(link, " ", turn);
  return line;
}

/** Other names may be nobody's than before; of parts of changes, which this is told of too, their incidents tell. */
export const waiting = paced(() => refresh().catch(() => {}));
