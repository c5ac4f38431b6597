// Maps a name of a clock source to an agent: agents to choose from, what would happen, and only then the change.

let csrf = null;

async function proof() {
  if (!csrf) {
    const response = await fetch("/session", { cache: "no-store" });
    if (response.status === 401) location.assign("/");
    csrf = (await response.json()).csrf;
  }
  return csrf;
}

/** Sends a change; gives what was answered, and throws what people may read. */
export async function send(method, address, body) {
  const headers = { "X-Rollcall-CSRF": await proof() };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address, { method, headers, body: body ? JSON.stringify(body) : undefined });
  } catch {
    throw new Error("Rollcall did not answer. Nobody knows whether it was done; look again in a moment.");
  }
  if (response.status === 204) return null;
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.detail} ${answer.hint}`);
  return answer;
}

/** Offers agents that fit what is being typed in any input with the list. */
export function suggestAgents(list) {
  let asked = "";
  let waits = null;
  document.addEventListener("input", (event) => {
    if (event.target.getAttribute?.("list") !== list.id) return;
    clearTimeout(waits);
    waits = setTimeout(() => ask(event.target.value.trim()), 150);
  });

  async function ask(text) {
    if (!text || text === asked) return;
    asked = text;
    const response = await fetch(`/v1/agents?limit=10&q=${encodeURIComponent(text)}`, { cache: "no-store" });
    if (!response.ok || asked !== text) return;
    const { items } = await response.json();
    list.replaceChildren(
      ...items.map((agent) => {
        const option = document.createElement("option");
        option.value = agent.agent_id;
        option.label = agent.name ? `${agent.name} (${agent.agent_id})` : agent.agent_id;
        return option;
      }),
    );
  }
}

/** The agent that was meant: an id, or the name of one agent only. */
async function agentID(text) {
  const response = await fetch(`/v1/agents?limit=20&q=${encodeURIComponent(text)}`, { cache: "no-store" });
  if (!response.ok) return text;
  const { items } = await response.json();
  if (items.some((agent) => agent.agent_id === text)) return text;
  const named = items.filter((agent) => agent.name.toLowerCase() === text.toLowerCase());
  return named.length === 1 ? named[0].agent_id : text;
}

/**
 * Asks what a mapping would do, has it confirmed beside the form, and does it.
 *
 * `done` gets the sentence that says what happened; `failed` the one that says why not.
 */
export async function map(form, address, text, { done, failed }) {
  const button = form.querySelector("button");
  let preview;
  const body = {};
  button.disabled = true;
  try {
    body.agent_id = await agentID(text);
    preview = await send("PUT", `${address}?dry_run=true`, body);
  } catch (error) {
    failed(error.message);
    return;
  } finally {
    button.disabled = false;
  }
  form.parentElement.querySelector(".preview")?.remove();
  const place = document.createElement("div");
  place.className = "preview";
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "What will happen");
  const words = document.createElement("p");
  words.textContent = preview.text;
  const yes = document.createElement("button");
  yes.type = "button";
  yes.className = "first";
  yes.textContent = `Map to ${preview.agent.name || preview.agent_id}`;
  const no = document.createElement("button");
  no.type = "button";
  no.textContent = "Cancel";
  const buttons = document.createElement("div");
  buttons.className = "buttons";
  buttons.append(yes, no);
  place.append(words, buttons);
  form.after(place);
  form.hidden = true;
  const end = () => {
    place.remove();
    form.hidden = false;
  };
  no.addEventListener("click", () => {
    end();
    form.querySelector("input").focus();
  });
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") no.click();
  });
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    no.disabled = true;
    try {
      const answer = await send("PUT", address, body);
      end();
      done(answer.text);
    } catch (error) {
      end();
      failed(error.message);
    }
  });
  yes.focus();
}
