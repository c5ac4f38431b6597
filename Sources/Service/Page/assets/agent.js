// One agent's page: reads itself again when the stream says that something about the agent changed, and acts.

import { exchange, holdOf, prepareDialog, prepareHold, send } from "./acts.js";
import { measured, now, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { map } from "./mapping.js";
import { sayDone } from "./outcome.js";
import { namePairing, pair, pairingNews } from "./pairing.js";
import { isUnattended } from "./pulse.js";
import { keepReading } from "./reading.js";
import { renew } from "./renew.js";
import { say } from "./words.js";

// Milliseconds: the picture and the sentences grow old by themselves, and that they cannot be read shows within 10 s.
const readAgainAfter = 5_000;

const view = document.getElementById("agent");
const api = view.dataset.api;
const agentID = view.dataset.agent;
const adopts = []; // what follows how the agent stands, whoever changed that
measured(view.dataset.now);
tick();

/** Reads the view again, and the agent's name above it. */
async function read() {
  let fresh;
  try {
    fresh = await reread(location.href, "agent");
  } catch (error) {
    if (error.message === "404") location.assign("/"); // the agent went meanwhile
    throw error;
  }
  renew(view, fresh);
  rename(fresh.ownerDocument);
  measured(view.dataset.now);
  for (const adopt of adopts) adopt();
  tick();
}
const refresh = keepReading("agent", read, readAgainAfter);

/** Says whose clock the times in words go by, where it shows another than the agent's, by which the picture goes. */
function nameClock() {
  const place = document.getElementById("own-clock");
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const instant = now();
  place.querySelector("bdi").textContent = own;
  place.hidden = shows(own, instant) === shows(view.dataset.zone, instant);
}
adopts.push(nameClock);
nameClock();

/** What the clocks of a zone show; nothing where this browser does not know the zone. */
function shows(timeZone, instant) {
  try {
    return new Intl.DateTimeFormat("en", { dateStyle: "short", timeStyle: "short", timeZone }).format(instant);
  } catch {
    return null;
  }
}

/** The name is that of the page that was read. */
function rename(page) {
  const title = document.querySelector("h1");
  const old = nameOf(title);
  renew(title, page.querySelector("h1"));
  document.title = page.title;
  const pairing = document.getElementById("pairing-title");
  if (pairing?.textContent && nameOf(title) !== old) namePairing(nameOf(title));
}

function nameOf(title) {
  return title.querySelector("bdi").textContent;
}

const sure = document.getElementById("sure");
if (sure) prepareDialog(sure);

/** Asks before something is done. */
function asked(words, yes) {
  document.getElementById("sure-words").textContent = words;
  const button = document.getElementById("sure-yes");
  button.textContent = yes;
  sure.returnValue = "";
  sure.showModal();
  return new Promise((resolve) => {
    button.onclick = () => sure.close("yes");
    sure.onclose = () => resolve(sure.returnValue === "yes");
  });
}

const naming = document.getElementById("naming");
if (naming) prepareNaming();

function prepareNaming() {
  const named = document.getElementById("named");
  const show = () => {
    for (const part of document.querySelectorAll("#agent [data-scripted]")) part.hidden = false;
  };
  naming.hidden = false;
  show();
  adopts.push(show);
  const done = (text) => {
    sayDone(named, text);
    return refresh().catch(() => {});
  };
  const failed = (text) => {
    named.textContent = text;
    return refresh().catch(() => {});
  };
  const form = document.getElementById("map");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    named.textContent = "";
    const [source, name] = [form.elements.source.value, form.elements.external_id.value];
    const address = `/v1/sources/${encodeURIComponent(source)}/aliases/${encodeURIComponent(name)}`;
    map(form, address, agentID, { done, failed });
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-unmap]");
    if (!button) return;
    const address = button.dataset.unmap;
    if (!(await asked(say("agent.sure_unmap"), button.textContent))) return;
    try {
      await send("DELETE", address);
      await done(say("agent.unmapped"));
    } catch (error) {
      await failed(error.message);
    }
  });
}

const acts = document.getElementById("acts");
if (acts) prepareActs();

function prepareActs() {
  const outcome = document.getElementById("outcome");
  const release = document.getElementById("release");
  const pairing = document.getElementById("pair");
  const hold = document.getElementById("hold");
  prepareHold(hold);

  /** While something is done no button does anything; disabled, the one that was pressed would lose the focus. */
  function markBusy(isBusy) {
    for (const button of acts.querySelectorAll("button")) button.ariaDisabled = isBusy ? "true" : null;
  }
  const ignore = (event) => {
    if (!event.target.closest("[aria-disabled]")) return;
    event.preventDefault();
    event.stopPropagation();
  };
  acts.addEventListener("click", ignore, { capture: true });

  /** Does something and says what came of it: `done`, or `waits` where the guard keeps it until somebody approves. */
  async function act(method, path, body, done, waits = done) {
    outcome.textContent = "";
    markBusy(true);
    try {
      const { status } = await exchange(method, api + path, body);
      sayDone(outcome, status === 202 ? waits : done);
    } catch (error) {
      outcome.textContent = error.message;
    }
    markBusy(false);
    await refresh().catch(() => {});
  }

  /** What is said of an order for the engine: that it is carried out, or waits until anybody can. */
  const ordered = (text) => (isUnattended(view.dataset.engine) ? say("act.unattended") : text);

  document.getElementById("look").addEventListener("click", () => act("POST", "/reconcile", null, ordered(say("act.looking"))));
  document.getElementById("reboot").addEventListener("click", async (event) => {
    if (!(await asked(say("act.sure_reboot"), event.target.textContent))) return;
    await act("POST", "/reboot", null, ordered(say("act.rebooting")));
  });
  pairing.addEventListener("click", () => pair(agentID, nameOf(document.querySelector("h1"))));
  release.addEventListener("click", () => act("DELETE", "/hold", null, say("act.released"), say("act.release_waits")));
  hold.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await act("PUT", "/hold", holdOf(hold), say("act.held"), say("act.hold_waits"));
    } catch (error) {
      outcome.textContent = error.message;
    }
  });

  adopts.push(() => {
    release.hidden = !view.querySelector("[data-held]");
    pairing.hidden = view.dataset.condition !== "needs_pairing";
  });
  acts.hidden = false; // without script nothing here does anything
}

follow(view.dataset.stream, {
  reset: refresh,
  agent: (agent) => {
    if (agent.agent_id !== agentID) return;
    pairingNews(agent);
    refresh().catch(() => {});
  },
  removed: (agent) => {
    if (agent.agent_id === agentID) location.assign("/");
  },
});
