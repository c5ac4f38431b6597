// Follows the stream, and says so when it does not.
//
// Read with fetch rather than EventSource: that one hides comments, which are the sign of life, and the status, which tells
// a sign-in that is over from a server that is away.

import { send } from "./acts.js";
import { clock, measured } from "./ages.js";
import { showPulse } from "./pulse.js";
import { limit } from "./reading.js";
import { isSignedOut, signedOut } from "./session.js";
import { say } from "./words.js";

// Milliseconds until everything shown counts as old: without a sign of life (one comes every 2 s), with the word that the
// database does not answer, and without even a connection.
const silenceLimit = 7_000;
const databaseLimit = 4_000;
const breakLimit = 5_000;
const slowestRetry = 10_000;
// So often, in milliseconds, the server hears that somebody is at the page: the stream alone keeps no sign-in.
const presenceInterval = 300_000;

/**
 * Follows a stream for as long as the page lives.
 *
 * `on` has a function for each kind of event; each gets the event's data. `on.reset` may return a promise: events that
 * come meanwhile are given in order after it.
 */
export function follow(address, on) {
  let lastEventID = null;
  let lastLife = Date.now();
  let brokenSince = null;
  let attempt = null; // the connection that there is or is being made
  let attemptedAt = 0;
  let retry = 500;

  const state = document.getElementById("live");
  const silence = document.getElementById("silence");
  let waitsForDatabase = false;

  function showState(word) {
    if (state.dataset.state === word) return;
    state.dataset.state = word;
    state.textContent = say(word === "connecting" ? "live.reconnecting" : `live.${word}`);
  }

  function alive(time) {
    lastLife = Date.now();
    brokenSince = null;
    waitsForDatabase = false;
    if (time) measured(time);
    check();
  }

  function check() {
    if (isSignedOut()) return;
    const quiet = Date.now() - lastLife;
    const isSilent =
      quiet > silenceLimit ||
      (waitsForDatabase && quiet > databaseLimit) ||
      (brokenSince !== null && Date.now() - brokenSince > breakLimit);
    document.body.classList.toggle("silent", isSilent);
    silence.hidden = !isSilent;
    if (isSilent) {
      const text = say(waitsForDatabase ? "live.no_database" : "live.no_connection", { time: clock(lastLife) });
      if (silence.textContent !== text) silence.textContent = text;
      showState("silent");
    }
    // A connection that broke without a word would be waited on for minutes.
    const isStuck = quiet > 2 * silenceLimit && Date.now() - attemptedAt > 2 * silenceLimit;
    if (attempt && isStuck && !waitsForDatabase) attempt.abort();
  }

  async function take(event) {
    if (isSignedOut()) return;
    if (event.comment !== undefined) {
      if (event.comment.startsWith("waiting")) {
        waitsForDatabase = true;
        check();
      } else {
        alive(event.comment.split(" ")[1]);
      }
      return;
    }
    alive();
    const data = JSON.parse(event.data);
    if (event.name === "signed_out") {
      signedOut();
      return;
    }
    if (event.name === "pulse") showPulse(data);
    const handler = on[event.name];
    if (handler) await handler(data);
    if (event.id) lastEventID = event.id;
  }

  async function run() {
    while (!isSignedOut()) {
      try {
        const headers = { Accept: "text/event-stream" };
        if (lastEventID) headers["Last-Event-ID"] = lastEventID;
        attempt = new AbortController();
        attemptedAt = Date.now();
        const response = await fetch(address, {
          headers,
          cache: "no-store",
          credentials: "same-origin",
          signal: attempt.signal,
        });
        if (response.status === 401) {
          signedOut();
          return;
        }
        if (!response.ok) throw new Error(String(response.status));
        retry = 500;
        showState("live");
        for await (const event of events(response.body)) {
          if (state.dataset.state !== "live") showState("live");
          await take(event);
          if (isSignedOut()) break;
        }
      } catch (error) {
        console.debug(error);
      }
      attempt.abort(); // however it ended: a connection that nobody reads is one that others lack
      brokenSince ??= Date.now();
      if (!document.body.classList.contains("silent")) showState("connecting");
      await new Promise((resolve) => setTimeout(resolve, retry * (0.75 + Math.random() / 2)));
      retry = Math.min(retry * 2, slowestRetry);
    }
  }

  sayPresence();
  setInterval(check, 500);
  document.addEventListener("visibilitychange", check);
  run();
}

/** Lets the server know that a person uses the page, now and then while one does. */
function sayPresence() {
  let saidAt = Date.now(); // opening the page said so
  for (const name of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(
      name,
      () => {
        if (isSignedOut() || Date.now() - saidAt < presenceInterval) return;
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

function parse(block) {
  const event = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith(":")) event.comment = line.slice(1).trim();
    else if (line.startsWith("event: ")) event.name = line.slice(7);
    else if (line.startsWith("data: ")) event.data += line.slice(6);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
  }
  return event;
}

/** Reads this page again and gives its element with the id; says so when the sign-in is over. */
export async function reread(address, id) {
  const headers = { "X-Rollcall-Reread": "true" };
  const response = await fetch(address, { headers, cache: "no-store", credentials: "same-origin", signal: limit() });
  if (!response.ok) throw new Error(String(response.status));
  const text = await response.text();
  if (isSignedOut()) throw new Error("401"); // it ended meanwhile, and nobody may see this
  const page = new DOMParser().parseFromString(text, "text/html");
  const found = page.getElementById(id);
  if (found) return found;
  signedOut();
  throw new Error("401");
}
