// Reads what is shown again, and says so when that does not work: what stands there then may not be true any more.

import { clock } from "./ages.js";
import { isSignedOut } from "./session.js";
import { say } from "./words.js";

// Milliseconds. A page that is read every 5 s and cannot be says so within 10 s: those 5 s, a tick, and either the patience or
// two retries make 9 s; the rest is what a busy computer takes.
const patience = 3_500; // that a read may take
const retry = 1_500; // until a read that failed is tried again
const grace = 2_900; // of reads that fail until what is shown counts as old: two retries, of which timers may take off some
const tick = 500;

const failing = new Map(); // since when, by what is read
const resting = new Set(); // those of them that are not even tried, for the sake of who marks text
const readAt = new Map(); // when it was last read
const opened = Date.now();

/**
 * Whether so many milliseconds have passed since an instant of this computer's clock; also where it was set back since, after
 * which nobody knows. By `Date.now()`: `performance.now()` stands still while some computers sleep.
 */
export function hasPassed(since, milliseconds) {
  const passed = Date.now() - since;
  return passed >= milliseconds || passed < 0;
}

/** Waits about so many milliseconds: who began together does not ask together. */
export function rest(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)));
}

/** Notes that a part was read. */
export function readWell(part) {
  readAt.set(part, Date.now());
  failing.delete(part);
  resting.delete(part);
  tell();
}

/** Notes that a part could not be read; `began`: when that was tried. */
export function readBadly(part, began) {
  if (!failing.has(part)) failing.set(part, began);
  resting.delete(part);
  tell();
}

/** Notes that a part is due and not read, since this is no good moment: what stands there grows old all the same. */
function readLater(part) {
  if (!failing.has(part)) {
    failing.set(part, Date.now());
    resting.add(part);
  }
  tell();
}

function tell() {
  if (isSignedOut()) return;
  const old = [...failing].filter(([, since]) => hasPassed(since, grace));
  const isOld = old.length > 0;
  const place = document.getElementById("unread");
  document.body.classList.toggle("unread", isOld);
  place.hidden = !isOld;
  if (!isOld) return;
  const time = clock(Math.min(...old.map(([part]) => readAt.get(part) ?? opened)));
  const text = say(old.every(([part]) => resting.has(part)) ? "live.resting" : "live.unread", { time });
  if (place.textContent !== text) place.textContent = text;
}

/** How long anything may take that the page reads by itself. */
export function limit() {
  return AbortSignal.timeout(patience);
}

/** Asks for something by itself; throws the status where that is refused. */
export async function request(address, headers) {
  const response = await fetch(address, { headers, cache: "no-store", signal: limit() });
  if (!response.ok) throw new Error(response.status);
  const build = response.headers.get("X-Rollcall-Build");
  const own = document.body.dataset;
  // Of another release: the page is loaded anew. A browser keeps that it got no script, so it is asked for under new addresses.
  if (build && build !== own.build && !own.renews) import(`./release.js?${Date.now()}`).catch(() => {});
  return response;
}

/**
 * Keeps reading a part of the page: every so many milliseconds while somebody looks, and whenever it is asked to.
 *
 * One reading at a time, and one more when something changed during it. What fails is tried again soon. `mayRead`: whether
 * this is a good moment to replace what is shown; while it is not, the page says that it grows old.
 */
export function keepReading(part, read, every, mayRead = () => true) {
  let reading = null;
  let isStale = false;
  let waits = null;
  let last = Date.now();

  async function all() {
    const began = Date.now();
    last = began;
    clearTimeout(waits);
    try {
      do {
        isStale = false;
        await read();
        last = Date.now();
        // What changed meanwhile is there within half a second, this pause and the reading included.
        await new Promise((resolve) => setTimeout(resolve, isStale ? 100 : 0));
      } while (isStale);
      readWell(part);
    } catch (error) {
      readBadly(part, began);
      waits = setTimeout(byItself, retry);
      throw error;
    } finally {
      reading = null;
    }
  }

  function refresh() {
    if (reading) isStale = true;
    else reading = all();
    return reading;
  }

  function byItself() {
    clearTimeout(waits);
    if (isSignedOut() || document.hidden) return;
    if (mayRead()) {
      refresh().catch(() => {});
    } else {
      readLater(part);
      waits = setTimeout(byItself, tick);
    }
  }

  setInterval(() => {
    if (hasPassed(last, every) && !reading) byItself();
  }, Math.min(every, tick));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && hasPassed(last, every)) byItself();
  });
  return refresh;
}

/**
 * Lets something that many pages hear of at once be done by each of them apart and within a second: at most once in 2 s, however
 * often it is heard of, and after the last time.
 */
export function paced(act) {
  let waits = null;
  let next = 0; // no clock of the day's: that may be set back, and nothing is heard of while a computer sleeps
  return () => {
    waits ??= setTimeout(() => {
      waits = null;
      next = performance.now() + 2_000;
      if (!isSignedOut()) act();
    }, Math.max(Math.random() * 800, next - performance.now()));
  };
}

/** Whether somebody marks text, which a new view would take away. */
export function isSelecting() {
  return !(getSelection()?.isCollapsed ?? true);
}
