// One agent's page: reads itself again when the stream says that something about the agent changed, and acts.

import { measured, now, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { map, send } from "./mapping.js";

let view = document.getElementById("agent");
const api = view.dataset.api;
const agentID = view.dataset.agent;
measured(view.dataset.now);
tick();

// One reading at a time, and one more when something changed during it.
let reading = null;
let isStale = false;
function refresh() {
  if (reading) {
    isStale = true;
    return reading;
  }
  reading = (async () => {
    do {
      isStale = false;
      const fresh = await reread(location.href, "agent");
      view.replaceWith(fresh);
      view = fresh;
      measured(view.dataset.now);
      tick();
      // The longest stretch without the page changing under somebody's eyes is a second.
      await new Promise((resolve) => setTimeout(resolve, isStale ? 500 : 0));
    } while (isStale);
  })().finally(() => {
    reading = null;
  });
  return reading;
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
    if (!button || !confirm("Take this name from the agent? Later events under it will match nobody.")) return;
    try {
      await send("DELETE", button.dataset.unmap);
      await said("The name is the agent's no more.");
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
  let csrf = null;

  async function proof() {
    if (!csrf) {
      const response = await fetch("/session", { cache: "no-store" });
      if (response.status === 401) location.assign("/");
      csrf = (await response.json()).csrf;
    }
    return csrf;
  }

  async function act(method, path, body, done) {
    outcome.textContent = "";
    for (const button of acts.querySelectorAll("button")) button.disabled = true;
    try {
      const headers = { "X-Rollcall-CSRF": await proof() };
      if (body) headers["Content-Type"] = "application/json";
      const response = await fetch(api + path, { method, headers, body: body ? JSON.stringify(body) : undefined });
      if (response.ok) {
        outcome.textContent = done;
      } else {
        const problem = await response.json();
        outcome.textContent = `${problem.detail} ${problem.hint}`;
      }
    } catch {
      outcome.textContent = "Rollcall did not answer. Nobody knows whether it was done; look at the commands.";
    }
    for (const button of acts.querySelectorAll("button")) button.disabled = false;
    await refresh().catch(() => {});
  }

  document.getElementById("look").addEventListener("click", () => {
    act("POST", "/reconcile", null, "The session is being looked at.");
  });
  document.getElementById("reboot").addEventListener("click", () => {
    if (confirm("Stop the session, and start it again? The agent cannot work meanwhile.")) {
      act("POST", "/reboot", null, "The session is being rebooted.");
    }
  });
  release.addEventListener("click", async () => {
    await act("DELETE", "/hold", null, "The hold is over.");
  });
  document.getElementById("hold").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const until = new Date(now() + Number(form.elements.hours.value) * 3600_000).toISOString();
    await act("PUT", "/hold", { state: form.elements.state.value, until, reason: form.elements.reason.value }, "It is held.");
  });

  // The button to end a hold is there while there is one, whoever set it.
  new MutationObserver(() => {
    release.hidden = !document.querySelector("#agent [data-held]");
  }).observe(document.getElementById("main"), { childList: true });
}

follow(view.dataset.stream, {
  reset: refresh,
  agent: (agent) => {
    if (agent.agent_id === agentID) refresh().catch(() => {});
  },
  removed: (agent) => {
    if (agent.agent_id === agentID) location.assign("/");
  },
});
