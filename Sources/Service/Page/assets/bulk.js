// Does the same for many agents: who is chosen, what is asked before it is done, and what came of it for each.

import { explain, holdOf, prepareDialog, prepareHold, send } from "./acts.js";
import { showGuards } from "./guards.js";
import { isUnattended } from "./pulse.js";
import { nameOf } from "./row.js";
import { isSignedOut } from "./session.js";
import { apart, count, element, say } from "./words.js";

// Agents that one request takes, and how many are not asked about.
const agentLimit = 500;
const quietLimit = 5;

/**
 * Lets agents of the table be chosen. Gives what tells it of those who are gone (`drop`), and that the table is another
 * (`follow`); nothing for who may not act.
 */
export function prepareBulk(roster) {
  const bar = document.getElementById("bulk");
  if (!bar) return null;
  const everybody = document.getElementById("pick-all");
  const dialog = document.getElementById("bulk-dialog");
  const form = document.getElementById("bulk-form");
  const results = document.getElementById("bulk-results");
  const fields = document.getElementById("bulk-hold");
  const refusal = document.getElementById("bulk-refusal");
  const picked = new Set();
  // Whether more were meant than one order takes.
  let isCut = false;
  let action = null;
  // The agents of an order that is being carried out.
  let ordered = null;
  prepareDialog(dialog);
  prepareHold(fields);
  // What had the focus before is gone with the choice, or waits for the order.
  dialog.addEventListener("close", () => {
    if (bar.hidden) everybody.focus();
    else if (ordered) document.getElementById("unpick").focus();
  });

  roster.onRow = (row) => {
    const box = row.querySelector("[data-pick]");
    if (box) box.checked = picked.has(row.dataset.agent);
  };
  roster.table.addEventListener("change", (event) => {
    if (!event.target.matches("[data-pick]")) return;
    const agentID = event.target.closest("tr").dataset.agent;
    if (event.target.checked) picked.add(agentID);
    else picked.delete(agentID);
    isCut = false;
    show();
  });
  everybody.addEventListener("click", () => {
    const agents = shown();
    picked.clear();
    for (const agentID of agents.slice(0, agentLimit)) picked.add(agentID);
    isCut = agents.length > agentLimit;
    check();
    show();
    // What can be done with them stands behind the whole table.
    bar.querySelector("[data-bulk]").focus({ preventScroll: true });
  });
  document.getElementById("unpick").addEventListener("click", unpick);

  function unpick() {
    const isFocused = bar.contains(document.activeElement);
    picked.clear();
    isCut = false;
    check();
    show();
    if (isFocused) everybody.focus();
  }

  /** Everybody whom the filter shows, in the order of the table. */
  function shown() {
    return roster.sorted.length ? roster.sorted.map((agent) => agent.agent_id) : [...roster.rows.keys()];
  }

  function check() {
    for (const row of roster.rows.values()) roster.onRow(row);
  }

  function drop(agentID) {
    if (!picked.delete(agentID)) return;
    isCut = false;
    show();
  }

  /** The table is another: who is in it no more is not chosen any more. */
  function follow() {
    const agents = shown().length;
    everybody.parentElement.hidden = agents === 0;
    const text = agents > agentLimit ? say("bulk.first", { n: agentLimit, all: agents }) : count("bulk.all", agents);
    if (everybody.textContent !== text) everybody.textContent = text;
    // A page of a list.
    if (roster.sorted.length === 0 && roster.rows.size > 0) return;
    for (const agentID of [...picked]) if (!roster.agents.has(agentID)) drop(agentID);
  }

  function show() {
    const comes = bar.hidden && picked.size > 0;
    bar.hidden = picked.size === 0;
    // What was just chosen is not behind the bar that comes.
    if (comes) document.activeElement?.scrollIntoView({ block: "nearest" });
    const words = isCut ? say("bulk.cut", { n: picked.size, all: shown().length }) : count("bulk.picked", picked.size);
    const place = document.getElementById("picked");
    const text = picked.size > agentLimit ? say("bulk.limit", { n: agentLimit }) : words;
    const all = ordered ? `${text} ${say("bulk.under_way")}` : text;
    if (place.textContent !== all) place.textContent = all;
    for (const button of bar.querySelectorAll("[data-bulk]")) button.disabled = ordered !== null || picked.size > agentLimit;
    if (dialog.open && !form.hidden && !ordered) name();
  }

  /** What somebody is called, as the table shows it. */
  function called(agentID) {
    const agent = roster.agents.get(agentID);
    return agent ? nameOf(agent) : roster.rows.get(agentID)?.querySelector("[data-field=name]").textContent || agentID;
  }

  /** Says what would be done, and to whom, or to how many. */
  function name() {
    const [only] = picked;
    const agents = picked.size === 1 ? apart(called(only)) : count("bulk.agents", picked.size);
    document.getElementById("bulk-title").textContent = say(`bulk.${action}`, { agents });
    document.getElementById("bulk-yes").disabled = picked.size === 0;
  }

  bar.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-bulk]")?.dataset.bulk;
    if (!chosen) return;
    action = chosen;
    name();
    document.getElementById("bulk-words").textContent = action === "reboot" ? say("bulk.cannot_work") : "";
    document.getElementById("bulk-yes").textContent = say(`bulk.yes.${action}`);
    fields.hidden = action !== "hold";
    refusal.textContent = "";
    form.hidden = false;
    results.hidden = true;
    dialog.showModal();
    // A hold is filled in, a reboot interrupts work, and many are many; the rest of it is done at once.
    if (picked.size <= quietLimit && action !== "hold" && action !== "reboot") form.requestSubmit();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (ordered) return;
    refusal.textContent = "";
    let answer = null;
    const body = { action, agents: [...picked] };
    try {
      if (action === "hold") body.hold = holdOf(fields);
      begin(body.agents);
      answer = await send("POST", "/v1/actions", body);
    } catch (error) {
      refusal.textContent = error.message;
    }
    begin(null);
    if (answer) tell(answer.results, body);
    present();
    show();
  });

  /** Notes which agents an order is about until it is answered. It goes on when the dialog is closed, so nothing calls it off. */
  function begin(agents) {
    ordered = agents;
    document.getElementById("bulk-yes").disabled = agents !== null;
    form.querySelector("[data-close]").textContent = say(agents ? "act.close" : "act.cancel");
    show();
  }

  /** What came of an order is shown also to who has closed the dialog meanwhile, after another one that is open. */
  function present() {
    if (isSignedOut()) return;
    const other = document.querySelector("dialog[open]");
    if (other && other !== dialog) other.addEventListener("close", present, { once: true });
    else if (!other) dialog.showModal();
    if (dialog.open && form.hidden) document.getElementById("bulk-done").focus();
  }

  function tell(answers, { agents, hold }) {
    form.hidden = true;
    results.hidden = false;
    // It may come over something else that somebody is at by then.
    const order = say(`bulk.yes.${action}`) + (hold ? ` (${say(`state.${hold.state}`)})` : "");
    document.getElementById("bulk-done").textContent = say("bulk.done", { order });
    const lines = answers.map((answer, index) => {
      const agentID = answer.agent_id ?? agents[index];
      const engine = (roster.agents.get(agentID)?.instance ?? roster.rows.get(agentID)?.dataset)?.engine;
      // It is being done, or waits for somebody.
      const isLater = answer.status === 202;
      const line = element("li");
      line.dataset.agent = agentID;
      line.dataset.done = isLater ? "later" : String(answer.status < 300);
      const mark = element("span");
      mark.className = "icon";
      mark.setAttribute("aria-hidden", "true");
      const later = answer.change ? "bulk.waits" : isUnattended(engine) ? "act.unattended" : "bulk.taken";
      const words = isLater ? say(later) : answer.status < 300 ? say("bulk.ok") : explain(answer);
      line.append(mark, " ", element("bdi", called(agentID)), `: ${words}`);
      return line;
    });
    // What was refused stands first, then what is not done yet.
    lines.sort((left, right) => left.dataset.done.localeCompare(right.dataset.done));
    document.getElementById("bulk-list").replaceChildren(...lines);
    if (answers.some((answer) => answer.change)) showGuards();
    // Who was chosen meanwhile stays so, and who can be tried again as it is.
    agents.forEach((agentID, index) => answers[index].status < 500 && picked.delete(agentID));
    isCut = false;
    check();
  }

  follow();
  return { drop, follow };
}
