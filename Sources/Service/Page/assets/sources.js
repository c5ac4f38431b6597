// The pages of clock sources: they read themselves again now and then, and when the stream tells of an incident.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { isSelecting, keepReading } from "./reading.js";

const interval = 3000; // milliseconds between two readings while somebody looks

let view = document.getElementById("sources");
measured(view.dataset.now);
tick();

/** Reads the view again. What somebody has opened stays open, and what has the focus keeps it. */
async function read() {
  const fresh = await reread(location.href, "sources");
  const open = new Set([...view.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  for (const each of fresh.querySelectorAll("details")) each.open = open.has(each.dataset.key);
  const focused = place(document.activeElement);
  view.replaceWith(fresh);
  view = fresh;
  if (focused) view.querySelector(focused)?.focus({ preventScroll: true });
  measured(view.dataset.now);
  tick();
}
const refresh = keepReading("sources", read, interval, () => !isSelecting());

/** A selector for what has the focus, if it is a part of the view. */
function place(element) {
  if (!view.contains(element)) return null;
  const details = element.closest("details");
  if (details) return `details[data-key="${CSS.escape(details.dataset.key)}"] summary`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}

follow(view.dataset.stream, {
  reset: refresh,
  incident: () => refresh().catch(() => {}),
});
