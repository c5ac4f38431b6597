// Maps a name of a clock source to an agent: agents to choose from, what would happen, and only then the change.

import { send } from "./acts.js";
import { clock } from "./ages.js";
import { apart, balanced, count, element, say } from "./words.js";

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
    const items = await found(text, 10);
    if (!items) asked = "";
    if (!items || asked !== text) return;
    list.replaceChildren(
      ...items.map((agent) => {
        const option = element("option");
        option.value = agent.agent_id;
        option.label = agent.name ? `${balanced(agent.name)} (${agent.agent_id})` : agent.agent_id;
        return option;
      }),
    );
  }
}

/** Agents that fit a text, a few at most; `null` without an answer. */
async function found(text, limit) {
  try {
    const response = await fetch(`/v1/agents?limit=${limit}&q=${encodeURIComponent(text)}`, { cache: "no-store" });
    return response.ok ? (await response.json()).items : null;
  } catch {
    return null;
  }
}

/** The agent that was meant: an id, or the name of one agent only. */
async function agentID(text) {
  const items = await found(text, 20);
  if (!items) return text;
  if (items.some((agent) => agent.agent_id === text)) return text;
  const named = items.filter((agent) => agent.name.toLowerCase() === text.toLowerCase());
  return named.length === 1 ? named[0].agent_id : text;
}

/** What a mapping comes to, in sentences; of a dry run what would happen. */
function sentences(answer) {
  const agent = answer.agent;
  const name = apart(agent.name || agent.agent_id);
  const isDry = answer.dry_run;
  const said = [];
  if (answer.moved_from) said.push(say(isDry ? "mapping.moves" : "mapping.moved", { agent: answer.moved_from }));
  const applied = isDry ? "mapping.will_apply" : "mapping.applied";
  said.push(answer.applied === 0 ? say(`${applied}_none`) : count(applied, answer.applied));
  if (!answer.complete) said.push(say("mapping.more_later"));
  said.push(
    agent.shift_since
      ? say(isDry ? "mapping.will_be" : "mapping.is", { name, shift: say(`shift.${agent.shift}`), since: clock(agent.shift_since) })
      : say("mapping.never", { name }),
  );
  if (!agent.instance) {
    if (agent.desired === "running") said.push(say("mapping.no_session"));
  } else {
    const verb = agent.desired === "running" ? "run" : "stop";
    said.push(say(isDry ? `mapping.will_${verb}` : `mapping.${verb}`));
  }
  if (answer.left_out > 0) said.push(count("mapping.left", answer.left_out));
  return said.join(" ");
}

/** Why nothing was mapped; that the agent is nobody is said as such. */
function refused(error) {
  return error.problem?.field === "agent_id" ? say("mapping.no_agent") : error.message;
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
    failed(refused(error));
    return;
  } finally {
    button.disabled = false;
  }
  form.parentElement.querySelector(".preview")?.remove();
  const place = element("div");
  place.className = "preview";
  place.dataset.own = ""; // stays while the page reads itself again
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", say("mapping.what"));
  const yes = element("button", say("mapping.yes", { name: apart(preview.agent.name || preview.agent_id) }));
  yes.type = "button";
  yes.className = "first";
  const no = element("button", say("act.cancel"));
  no.type = "button";
  const buttons = element("div");
  buttons.className = "buttons";
  buttons.append(yes, no);
  place.append(element("p", sentences(preview)), buttons);
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
      done(sentences(answer));
    } catch (error) {
      end();
      failed(refused(error));
    }
  });
  yes.focus();
}
