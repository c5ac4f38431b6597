// What people do: requests with the proof that they come from this page, and what is said of their refusal.

import { now } from "./ages.js";
import { signedOut } from "./session.js";
import { knows, say } from "./words.js";

let csrf = null;

async function proof() {
  if (!csrf) {
    const response = await fetch("/session", { cache: "no-store" });
    if (response.status === 401) signedOut();
    csrf = (await response.json()).csrf;
  }
  return csrf;
}

/**
 * What is wrong, to a person, and what they can do about it, where they can: by the kind of problem, in the page's own words. The
 * server's details and hints are for who writes programs; a kind that only a newer release knows has nothing else.
 */
export function explain(problem) {
  const kind = `problem.${problem.code}`;
  const what = knows(kind) ? say(kind) : problem.detail;
  const remedy = `problem.do.${problem.code}`;
  return knows(remedy) ? `${what} ${say(remedy)}` : what;
}

/** Why something was not done: the message is for people, `problem` and `retryAfter` (seconds) for the script. */
class Refusal extends Error {
  constructor(problem, retryAfter) {
    super(explain(problem));
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/**
 * Sends a change; gives what was answered, and throws what people may read.
 *
 * `signal` calls it off; `isRepeat`: the script asks again by itself, which keeps no sign-in.
 */
export async function send(method, address, body, wishes) {
  return (await exchange(method, address, body, wishes)).answer;
}

/** The same, with the status of the answer: 202 may say that something is not done yet. */
export async function exchange(method, address, body, { signal, isRepeat } = {}) {
  const attempt = async () => {
    const headers = { "X-Rollcall-CSRF": await proof() };
    if (isRepeat) headers["X-Rollcall-Reread"] = "true";
    if (body) headers["Content-Type"] = "application/json";
    return fetch(address, { method, headers, signal, cache: "no-store", body: body ? JSON.stringify(body) : undefined });
  };
  let response, answer;
  try {
    response = await attempt();
    if (response.status === 403) {
      csrf = null; // somebody signed in anew in another tab, perhaps
      response = await attempt();
    }
    const text = await response.text();
    answer = text ? JSON.parse(text) : null;
  } catch {
    throw new Error(say("act.no_answer"));
  }
  if (response.status === 401) signedOut();
  // What stands between may refuse in words of its own.
  if (!response.ok && !answer?.code) throw new Error(say("act.no_answer"));
  if (!response.ok) throw new Refusal(answer, Number(response.headers.get("Retry-After") ?? 0));
  return { status: response.status, answer };
}

/** Lets the fields of a hold follow what is chosen among them. */
export function prepareHold(place) {
  const hours = place.querySelector("[name=hours]");
  const until = place.querySelector(".until");
  hours.addEventListener("change", () => {
    until.hidden = hours.value !== "";
    if (until.hidden) return;
    const local = new Date(now() + 3600_000 - new Date().getTimezoneOffset() * 60_000);
    until.querySelector("input").value = local.toISOString().slice(0, 16);
  });
}

/** What the fields of a hold say; throws what is missing. */
export function holdOf(place) {
  const field = (name) => place.querySelector(`[name=${name}]`).value;
  const reason = field("reason").trim();
  if (!reason) throw new Error(say("act.no_reason"));
  const hours = field("hours");
  const until = hours ? now() + Number(hours) * 3600_000 : Date.parse(field("until"));
  if (!(until > now()) || until > now() + 366 * 86_400_000) throw new Error(say("act.no_time"));
  return { state: field("state"), until: new Date(until).toISOString(), reason };
}

/** Lets the buttons of a dialog close it. */
export function prepareDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
}
