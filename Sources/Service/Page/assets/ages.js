// Keeps spans and clock times true, by the database's clock and not by this computer's.

import { element, language, say } from "./words.js";

let offset = 0; // milliseconds to add to this computer's clock

/** Takes in the database's time, as RFC 3339, that arrived just now. */
export function measured(text) {
  const now = Date.parse(text);
  if (!Number.isNaN(now)) offset = now - Date.now();
}

export function now() {
  return Date.now() + offset;
}

/** The same as the server's, of a span in milliseconds: its unit, how many of it, and how many of the next smaller one beside. */
function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = (whole, part) => ({ n: Math.floor(seconds / whole), m: Math.floor((seconds % whole) / part) });
  if (seconds < 60) return ["seconds", parts(1, 1)];
  if (seconds < 3600) return ["minutes", parts(60, 1)];
  if (seconds < 172800) return ["hours", parts(3600, 60)];
  return ["days", parts(86400, 3600)];
}

/** How long it is until then; what is over is now. */
export function aheadWords(milliseconds) {
  if (milliseconds <= 0) return say("ahead.now");
  const [unit, parts] = span(milliseconds);
  return say(`ahead.${unit}`, parts);
}

const clockOf = (parts) => new Intl.DateTimeFormat(language, { ...parts, hourCycle: "h23", numberingSystem: "latn" });
const today = clockOf({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const otherDay = clockOf({ dateStyle: "medium", timeStyle: "short" });
const exactly = clockOf({ dateStyle: "medium", timeStyle: "medium" });
const exact = new WeakMap(); // the instant that a title says, by element

// Writing out an exact time takes longer than all else of a row, so it is done where somebody points.
document.addEventListener("pointerover", (event) => {
  const time = event.target.closest?.("time[data-age], time[data-ahead]");
  const instant = time?.getAttribute("datetime");
  if (!time || exact.get(time) === instant) return;
  exact.set(time, instant);
  time.title = exactly.format(new Date(instant));
});

/** The clock time of an instant where the reader is; with the day unless it is today. */
export function clock(instant) {
  const date = new Date(instant);
  const isToday = date.toDateString() === new Date(now()).toDateString();
  return (isToday ? today : otherDay).format(date);
}

/** An element that shows an instant: as its `kind` says, its age, its clock time, how long something lasts, or when it comes. */
export function time(instant, kind = "age") {
  const made = element("time");
  if (kind === "for") made.dataset.age = "for";
  else made.dataset[kind] = "";
  made.setAttribute("datetime", instant);
  refresh(made);
  return made;
}

/** Shows an instant in an element; on pointing at it the exact time here. */
export function show(place, instant, otherwise = "", kind = "age") {
  const old = place.querySelector("time");
  if (!instant) {
    if (place.textContent !== otherwise) place.textContent = otherwise;
  } else if (!old) {
    place.replaceChildren(time(instant, kind));
  } else {
    old.setAttribute("datetime", instant);
    refresh(old);
  }
}

function refresh(time) {
  const instant = Date.parse(time.getAttribute("datetime"));
  let text;
  if (time.dataset.clock !== undefined) {
    text = clock(instant);
  } else if (time.dataset.ahead !== undefined) {
    text = aheadWords(instant - now());
  } else {
    const [unit, parts] = span(now() - instant);
    text = say(`age.${time.dataset.age === "for" ? "for." : ""}${unit}`, parts);
  }
  if (time.textContent !== text) time.textContent = text;
}

const times = "time[data-age], time[data-ahead], time[data-clock]";

/** Every second the times in view move on; the others when they come into view, or on paper. */
export function tick() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll(times)) {
    const box = time.getBoundingClientRect();
    if (box.bottom >= -200 && box.top <= window.innerHeight + 200) refresh(time);
  }
}

let isDue = false;
function soon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    tick();
  }, 150);
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
document.addEventListener("scroll", soon, { passive: true });
window.addEventListener("beforeprint", () => {
  for (const time of document.querySelectorAll(times)) refresh(time);
});
