// One agent's page: reads itself again when the stream says that something about the agent changed, and acts.

import { holdOf, prepareDialog, prepareHold, send } from "./acts.js";
import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { map } from "./mapping.js";
import { pair, pairingNews } from "./pairing.js";
import { isSelecting, keepReading } from "./reading.js";
import { isSignedOut } from "./session.js";
import { say } from "./words.js";

// Milliseconds: the picture and the sentences grow old by themselves, and that they cannot be read shows within 10 s.
const readAgainAfter = 5_000;

let view = document.getElementById("agent");
const api = view.dataset.api;
const agentID = view.dataset.agent;
measured(view.dataset.now);
tick();

/** Reads the view again. What has the focus, or is open, stays so. */
async function read() {
  let fresh;
  try {
    fresh = await reread(location.href, "agent");
  } catch (error) {
    if (error.message === "404") location.assign("/"); // the agent went meanwhile
    throw error;
  }
  const focused = place(document.activeElement);
  const isOpen = view.querySelector("#timeline-table")?.open ?? false;
  if (fresh.querySelector("#timeline-table")) fresh.querySelector("#timeline-table").open = isOpen;
  view.replaceWith(fresh);
  view = fresh;
  if (focused) view.querySelector(focused)?.focus({ preventScroll: true });
  measured(view.dataset.now);
  tick();
}
const refresh = keepReading("agent", read, readAgainAfter, () => !isSelecting());

/** A selector for what has the focus, if it is a part of the view. */
function place(focused) {
  if (!view.contains(focused)) return null;
  if (focused.closest("summary")) return "#timeline-table summary";
  if (focused.dataset.span) return `[data-span="${focused.dataset.span}"]`;
  if (focused.matches("a[href]")) return `a[href=${JSON.stringify(focused.getAttribute("href"))}]`;
  if (focused.dataset.unmap) return `[data-unmap="${CSS.escape(focused.dataset.unmap)}"]`;
  return null;
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
  new MutationObserver(show).observe(document.getElementById("main"), { childList: true });
  const said = async (text) => {
    named.textContent = text;
    await refresh().catch(() => {});
  };
  const form = document.getElementById("map");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    named.textContent = "";
    const [source, name] = [form.elements.source.value, form.elements.external_id.value];
    const address = `/v1/sources/${encodeURIComponent(source)}/aliases/${encodeURIComponent(name)}`;
    map(form, address, agentID, { done: said, failed: said });
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-unmap]");
    if (!button) return;
    const address = button.dataset.unmap;
    if (!(await asked(say("agent.sure_unmap"), button.textContent))) return;
    try {
      await send("DELETE", address);
      await said(say("agent.unmapped"));
    } catch (error) {
      await said(error.message);
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

  async function act(method, path, body, done) {
    outcome.textContent = "";
    for (const button of acts.querySelectorAll("button")) button.disabled = true;
    try {
      await send(method, api + path, body);
      outcome.textContent = done;
    } catch (error) {
      outcome.textContent = error.message;
    }
    for (const button of acts.querySelectorAll("button")) button.disabled = false;
    await refresh().catch(() => {});
  }

  document.getElementById("look").addEventListener("click", () => act("POST", "/reconcile", null, say("act.looking")));
  document.getElementById("reboot").addEventListener("click", async (event) => {
    if (await asked(say("act.sure_reboot"), event.target.textContent)) await act("POST", "/reboot", null, say("act.rebooting"));
  });
  pairing.addEventListener("click", () => pair(agentID, document.querySelector("h1 bdi").textContent));
  release.addEventListener("click", () => act("DELETE", "/hold", null, say("act.released")));
  hold.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await act("PUT", "/hold", holdOf(hold), say("act.held"));
    } catch (error) {
      outcome.textContent = error.message;
    }
  });

  // What can be done follows how the agent stands, whoever changed that.
  new MutationObserver(() => {
    if (isSignedOut()) return;
    release.hidden = !document.querySelector("#agent [data-held]");
    pairing.hidden = document.getElementById("agent").dataset.condition !== "needs_pairing";
  }).observe(document.getElementById("main"), { childList: true });
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
