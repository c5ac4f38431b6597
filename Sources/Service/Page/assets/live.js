// Follows the stream, and says so when it does not.
//
// Read with fetch rather than EventSource: that one hides comments, which are the sign of life, and the status, which tells
// a sign-in that is over from a server that is away.

import { send } from "./acts.js";
import { clock, measured } from "./ages.js";
import { showPulse } from "./pulse.js";
import { hasPassed, request, rest } from "./reading.js";
import { isSignedOut, signedOut } from "./session.js";
import { language, say } from "./words.js";

// Milliseconds until everything shown counts as old: without a sign of life (one comes every 2 s), with the word that the
// database does not answer, and without even a connection.
const silenceLimit = 7_000;
const databaseLimit = 4_000;
const breakLimit = 5_000;
// How long is waited before a connection is made again; the more of them ended soon, the longer.
const firstRetry = 500;
const slowestRetry = 10_000;
// So often, in milliseconds, the server hears that somebody is at the page: the stream alone keeps no sign-in.
const presenceInterval = 300_000;
// After so many milliseconds without anybody the end of the sign-in is near: half an hour before it, as `PageSessions` has it.
const absence = 41_400_000;

/**
 * Follows a stream for as long as the page lives.
 *
 * `on` has a function for each kind of event; each gets the event's data. `on.reset` may return a promise: events that
 * come meanwhile are given in order after it.
 */
export function follow(address, on) {
  let lastEventID = null;
  let lastLife = Date.now(); // when the server said that it knows how everything stands
  let heardAt = lastLife; // when anything came, or the wait for it began
  let brokenSince = null;
  let isOpen = false;
  let attempt = null; // the connection that there is or is being made
  let retry = firstRetry;

  const state = document.getElementById("live");
  const silence = document.getElementById("silence");
  let waitsForDatabase = false;

  function showState(word) {
    if (state.dataset.state === word) return;
    state.dataset.state = word;
    state.textContent = say(word === "connecting" ? "live.reconnecting" : `live.${word}`);
  }

  function check() {
    if (isSignedOut()) return;
    const isSilent =
      hasPassed(lastLife, waitsForDatabase ? databaseLimit : silenceLimit) ||
      (brokenSince !== null && hasPassed(brokenSince, breakLimit));
    document.body.classList.toggle("silent", isSilent);
    silence.hidden = !isSilent;
    if (isSilent) {
      const text = say(waitsForDatabase ? "live.no_database" : "live.no_connection", { time: clock(lastLife) });
      if (silence.textContent !== text) silence.textContent = text;
    }
    showState(isSilent ? "silent" : isOpen ? "live" : "connecting");
    // A connection that broke without a word would be waited on for minutes, whatever its last word was.
    if (hasPassed(heardAt, 2 * silenceLimit)) attempt.abort();
  }

  async function take(news) {
    if (isSignedOut()) return;
    heardAt = Date.now();
    brokenSince = null;
    if (news.comment !== undefined) {
      const [word, time] = news.comment.split(" ");
      // Events show a connection and no more: they come also while a part of what the server reads cannot be read.
      if (word === "alive") {
        lastLife = heardAt;
        waitsForDatabase = false;
        measured(time);
      } else if (word === "waiting") {
        waitsForDatabase = true;
      }
      check();
      return;
    }
    const data = JSON.parse(news.data);
    if (news.event === "signed_out") {
      signedOut();
      return;
    }
    if (news.event === "pulse") showPulse(data);
    await on[news.event]?.(data);
    if (news.id) lastEventID = news.id;
  }

  async function run() {
    while (!isSignedOut()) {
      attempt = new AbortController();
      const began = Date.now();
      heardAt = began;
      try {
        const headers = { Accept: "text/event-stream" };
        if (lastEventID) headers["Last-Event-ID"] = lastEventID;
        const response = await fetch(address, { headers, cache: "no-store", signal: attempt.signal });
        if (response.status === 401) {
          signedOut();
          return;
        }
        if (!response.ok) throw new Error(response.status);
        isOpen = true;
        check();
        for await (const news of events(response.body)) {
          await take(news);
          if (isSignedOut()) break;
        }
      } catch (error) {
        console.debug(error);
        // Where not even a status comes, nobody says any more what the database does.
        if (error.name !== "Error") waitsForDatabase = false;
      }
      attempt.abort(); // however it ended: a connection that nobody reads is one that others lack
      isOpen = false;
      brokenSince ??= Date.now();
      check();
      // One that lasted was good: by then what a reset has read again was read, or its failure has ended the connection.
      if (hasPassed(began, slowestRetry)) retry = firstRetry;
      await rest(retry);
      retry = Math.min(retry * 2, slowestRetry);
    }
  }

  sayPresence();
  run();
  setInterval(check, 500);
  document.addEventListener("visibilitychange", check);
  document.getElementById("stalled")?.remove(); // every script is here and has begun
}

/** Lets the server know that a person uses the page, now and then while one does. */
function sayPresence() {
  let saidAt = Date.now(); // opening the page said so
  let unloaded = 0; // how often what warns of the end could not be loaded
  const watch = setInterval(() => {
    if (hasPassed(saidAt, absence)) import(`./ending.js?${unloaded}`).then(() => clearInterval(watch), () => (unloaded += 1));
  }, 60_000);
  for (const name of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(
      name,
      () => {
        if (isSignedOut() || !hasPassed(saidAt, presenceInterval)) return;
        saidAt = Date.now();
        send("PUT", "/session").catch(() => {});
      },
      { capture: true, passive: true },
    );
  }
}

/** Cuts a body of server-sent events into events and comments. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      yield parse(block);
    }
  }
}

/** What a block says: a comment, or what its lines are named. */
function parse(block) {
  const found = {};
  for (const line of block.split("\n")) {
    const [, name, text] = line.match(/^(\w*): ?(.*)/s) ?? [];
    found[name || "comment"] = text;
  }
  return found;
}

/** Reads this page again, in its own language, and gives its element with the id; says so when the sign-in is over. */
export async function reread(address, id) {
  const text = await (await request(address, { "X-Rollcall-Reread": language })).text();
  if (isSignedOut()) throw new Error("401"); // it ended meanwhile, and nobody may see this
  const page = new DOMParser().parseFromString(text, "text/html");
  const found = page.getElementById(id);
  if (found) return found;
  signedOut();
  throw new Error("401");
}
