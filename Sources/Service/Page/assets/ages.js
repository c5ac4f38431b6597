// Keeps "5 s ago" true, by the database's clock and not by this computer's.

let offset = 0; // milliseconds to add to this computer's clock

/** Takes in the database's time, as RFC 3339, that arrived just now. */
export function measured(text) {
  const now = Date.parse(text);
  if (!Number.isNaN(now)) offset = now - Date.now();
}

export function now() {
  return Date.now() + offset;
}

/** The same words as the server's. */
export function age(instant) {
  const seconds = Math.max(0, Math.floor((now() - Date.parse(instant)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** Shows an instant in an element: its age, and on pointing at it the exact time here. */
export function show(element, instant, otherwise = "") {
  let time = element.querySelector("time");
  if (!instant) {
    element.textContent = otherwise;
    return;
  }
  if (!time) {
    time = document.createElement("time");
    time.setAttribute("data-age", "");
    element.replaceChildren(time);
  }
  if (time.getAttribute("datetime") !== instant) {
    time.setAttribute("datetime", instant);
    time.title = new Date(instant).toLocaleString();
  }
  refresh(time);
}

function refresh(time) {
  const text = age(time.getAttribute("datetime"));
  if (time.textContent !== text) time.textContent = text;
}

/** Every second the ages in view move on; the others when they come into view. */
export function tick() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const box = time.getBoundingClientRect();
    if (box.bottom >= -200 && box.top <= window.innerHeight + 200) refresh(time);
  }
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
document.addEventListener("scroll", tick, { passive: true });
