// Whether each engine answers and somebody acts for it: what stands here of its sessions is greyed while not.

import { now, spanWords } from "./ages.js";
import { element, say } from "./words.js";

// Milliseconds without an answer to anything that was asked until what stands here of an engine counts as old.
const silenceLimit = 5_000;

let engines = [];

/** Takes in what the stream says of the engines. */
export function showPulse(pulse) {
  engines = pulse.engines;
  check();
}

/** The engines that nothing is heard of. */
function silent() {
  return engines.filter((each) => !each.acting || (each.silent_since && now() - Date.parse(each.silent_since) > silenceLimit));
}

function check() {
  const place = document.getElementById("pulse");
  const found = silent();
  const names = new Set(found.map((each) => each.engine));
  for (const each of document.querySelectorAll("[data-engine]")) {
    const isUncertain = names.has(each.dataset.engine);
    if ((each.dataset.uncertain === "true") !== isUncertain) each.dataset.uncertain = String(isUncertain);
  }
  const lines = found.map((each) => [
    each.engine,
    each.acting
      ? say("live.engine_silent", { engine: each.engine, time: spanWords(now() - Date.parse(each.silent_since)) })
      : say("live.nobody_acts", { engine: each.engine }),
  ]);
  for (const old of [...place.children]) if (!lines.some(([name]) => name === old.dataset.name)) old.remove();
  for (const [name, text] of lines) {
    let line = [...place.children].find((each) => each.dataset.name === name);
    if (!line) {
      line = element("p");
      line.classList.add("banner", "incident");
      line.dataset.name = name;
      place.append(line);
    }
    if (line.textContent !== text) line.textContent = text;
  }
}

setInterval(check, 1000);
