// Signs in without leaving the page, so that a refusal is said at once. Without script the form does the same.

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
      location.reload();
      return;
    }
    const problem = await response.json();
    refusal.textContent = problem.code === "rate_limited" ? `${problem.detail} ${problem.hint}` : problem.detail;
  } catch {
    refusal.textContent = "Rollcall did not answer. Try again.";
  }
  button.disabled = false;
  form.elements.key.select();
});
