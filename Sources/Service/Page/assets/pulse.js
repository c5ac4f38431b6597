// Whether each engine answers and somebody acts for it: what stands here of its sessions is greyed while not. And how long it
// takes until many sessions are where people want them.

import { aheadWords, clock, now } from "./ages.js";
import { isSignedOut, whenSignedOut } from "./session.js";
import { announce, count, element, say } from "./words.js";

// Milliseconds without an answer to anything that was asked until what stands here of an engine counts as old.
// An engine that nothing is asked of is asked once in 5 s; with these, its silence shows within 10 s.
const silenceLimit = 3_000;

// So many sessions on their way, and for so many milliseconds more, are worth a line.
const askedLimit = 10;
const finishLimit = 5_000;

// Nothing before the stream says of them.
let engines = null;
const followers = [];

/** Has something done when sessions of some engine become uncertain or are so no more, or otherwise. */
export function whenCertaintyChanges(act) {
  followers.push(act);
}

/** Takes in what the stream says of the engines: on an agent's page, of that of the agent's session alone. */
export function showPulse(pulse) {
  const own = document.getElementById("agent")?.dataset.engine;
  engines = pulse.engines.filter((each) => own === undefined || each.engine === own);
  check();
}

/** Whether nobody acts for an engine, as far as the stream has said. */
export function isUnattended(engine) {
  return engines?.some((each) => each.engine === engine && !each.acting);
}

/** The engines that nothing is heard of. */
function silent() {
  return engines.filter((each) => !each.acting || (each.silent_since && now() - Date.parse(each.silent_since) > silenceLimit));
}

/** How long until an engine has done what people asked for, in steps of 5 s; 0 when that is not worth a line. */
function left(each) {
  if (!each.acting || !each.finishes_at || each.asked < askedLimit) return 0;
  return Math.floor((Date.parse(each.finishes_at) - now()) / finishLimit) * finishLimit;
}

function check() {
  if (isSignedOut() || !engines) return;
  const place = document.getElementById("pulse");
  const found = silent();
  const names = new Set(found.map((each) => each.engine));
  for (const each of document.querySelectorAll("[data-engine]")) {
    const isUncertain = names.has(each.dataset.engine);
    if ((each.dataset.uncertain === "true") !== isUncertain) each.dataset.uncertain = String(isUncertain);
  }
  write(
    place,
    found.map((each) => [
      each.engine,
      each.acting
        ? say("live.engine_silent", { engine: each.engine, time: clock(each.silent_since) })
        : say("live.nobody_acts", { engine: each.engine }),
    ]),
    "incident",
  );
  for (const { engine, acting } of found) {
    // Where its incident is shown, that says the same and for how long; who listens is told here alone.
    const told = `#incidents [data-engine="${engine}"][data-kind=${acting ? "engine_outage" : "account_unattended"}]`;
    place.querySelector(`[data-name="${engine}"]`).classList.toggle("hidden", document.querySelector(told) !== null);
  }
  mark(found);
  const busy = engines.filter((each) => !names.has(each.engine) && left(each) > 0);
  const lines = busy.map((each) => [
    each.engine,
    count("live.asked", each.asked, { engine: each.engine, time: aheadWords(left(each)) }),
  ]);
  // This counts down, so it is no live region; that it begins is said once.
  for (const [, text] of write(document.getElementById("bursts"), lines, "busy")) announce(text);
}

// The engines that the page was told of last, and whether anybody acts for each.
let marked = null;

/** Notes at the page whether any session of it is uncertain, and with it what is counted over all of them. */
function mark(found) {
  const names = found.map((each) => `${each.engine} ${each.acting}`).join();
  if (names === marked) return;
  marked = names;
  document.body.dataset.engines = found.length > 0 ? "uncertain" : "certain";
  for (const act of followers) act();
}

/** Brings the lines of a place to these, each a name and a text; gives those that are new. */
function write(place, lines, kind) {
  const fresh = [];
  for (const old of place.querySelectorAll("[data-name]")) if (!lines.some(([name]) => name === old.dataset.name)) old.remove();
  for (const [name, text] of lines) {
    let line = [...place.children].find((each) => each.dataset.name === name);
    if (!line) {
      line = element("p");
      line.classList.add("banner", kind);
      line.dataset.name = name;
      place.append(line);
      fresh.push([name, text]);
    }
    if (line.textContent !== text) line.textContent = text;
  }
  return fresh;
}

setInterval(check, 1000);
whenSignedOut(() => {
  engines = [];
});
