// Loaded once nobody did anything for so long that the sign-in ends soon: says when, and has whoever is there stay.

import { send } from "./acts.js";
import { clock, now } from "./ages.js";
import { request } from "./reading.js";
import { isSignedOut } from "./session.js";
import { element, say } from "./words.js";

// Milliseconds: how long before the end it is said, and between two questions then, since somebody may act in another tab.
const notice = 900_000;
const interval = 20_000;

const main = document.getElementById("main");
const banner = element("p");
const words = element("span");
const stay = element("button", say("live.stay"));
let endsAt = 0; // as the server said last

banner.id = "ending";
banner.className = "banner";
banner.setAttribute("role", "alert");
stay.type = "button";
banner.append(words, " ", stay);

/** Takes in when the sign-in ends, and says it where that is soon. */
function show(end) {
  endsAt = Date.parse(end);
  if (endsAt - now() > notice) return banner.remove();
  const text = say("live.ends", { time: clock(endsAt) });
  if (words.textContent !== text) words.textContent = text;
  if (!banner.isConnected) main.prepend(banner);
}

async function look() {
  if (endsAt - now() > notice || isSignedOut()) return;
  const answer = await (await request("/session")).json();
  if (!isSignedOut()) show(answer.expires_at);
}

stay.addEventListener("click", async () => {
  try {
    const { expires_at: end } = await send("PUT", "/session");
    if (isSignedOut()) return;
    show(end);
    // A week after the sign-in nothing moves its end any more.
    stay.hidden = banner.isConnected;
    main.tabIndex = -1;
    main.focus({ preventScroll: true });
  } catch (error) {
    words.textContent = error.message;
  }
});

const lookAgain = () => look().catch(() => {});
setInterval(lookAgain, interval);
lookAgain();
