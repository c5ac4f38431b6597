// What is left of a page whose sign-in is over: a sentence, and the way back.

import { element, say } from "./words.js";

let isOver = false;
const forgets = [];

/** Whether the sign-in is over, so that nothing is asked for any more. */
export function isSignedOut() {
  return isOver;
}

/** Has a script forget what it knows of people once the sign-in is over. */
export function whenSignedOut(forget) {
  forgets.push(forget);
}

/** Takes away what may not be seen any more, from the page and from what the scripts keep, and says why. */
export function signedOut() {
  if (isOver) return;
  isOver = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  const place = element("section");
  place.id = "signed-out";
  place.className = "sign-in";
  place.setAttribute("role", "alert");
  const title = element("h1", say("live.signed_out"));
  title.tabIndex = -1;
  const back = element("a", say("live.sign_in"));
  back.classList.add("button", "first");
  back.href = location.pathname + location.search;
  const line = element("p");
  line.append(back);
  place.append(title, element("p", say("live.signed_out_words")), line);
  for (const forget of forgets) forget();
  // Scripts may hold on to a part; what was in it is gone.
  const main = document.getElementById("main");
  for (const part of main.querySelectorAll("*")) part.replaceChildren();
  main.replaceChildren(place);
  document.querySelector(".bar .who")?.replaceChildren();
  document.title = document.querySelector(".brand").textContent; // it named somebody
  document.body.classList.remove("silent", "unread");
  document.body.classList.add("signed-out");
  title.focus();
}
