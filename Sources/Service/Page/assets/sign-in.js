// Signs in without leaving the page, so that a refusal is said at once. Without script the form does the same.

import { explain } from "./acts.js";
import { say } from "./words.js";

const form = document.getElementById("sign-in");
const refusal = document.getElementById("refusal");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  refusal.textContent = "";
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch("/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key: form.elements.key.value.trim() }),
    });
    if (response.ok) {
      // Where the plain form was refused before, that key would be sent again.
      if (location.pathname === "/session") location.replace("/");
      else location.reload();
      return;
    }
    const problem = await response.json();
    if (!problem.code) throw new Error(String(response.status)); // not ours
    if (problem.code === "rate_limited") refusal.textContent = explain(problem);
    else refusal.textContent = say(`problem.${problem.code}`);
  } catch {
    refusal.textContent = say("act.no_answer");
  }
  button.disabled = false;
  form.elements.key.select();
});
