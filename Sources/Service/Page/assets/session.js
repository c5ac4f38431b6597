// What is left of a page whose sign-in is over: a sentence, and the way back.

import { element, say } from "./words.js";

let isOver = false;

/** Whether the sign-in is over, so that nothing is asked for any more. */
export function isSignedOut() {
  return isOver;
}

/** Takes away what may not be seen any more, and says why. */
export function signedOut() {
  if (isOver) return;
  isOver = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  const place = element("section");
  place.id = "signed-out";
  place.className = "sign-in";
  place.setAttribute("role", "alert");
  const title = element("h2", say("live.signed_out"));
  title.tabIndex = -1;
  const back = element("a", say("live.sign_in"));
  back.classList.add("button", "first");
  back.href = location.pathname + location.search;
  const line = element("p");
  line.append(back);
  place.append(title, element("p", say("live.signed_out_words")), line);
  document.getElementById("main").prepend(place);
  document.body.classList.add("signed-out");
  title.focus();
}
