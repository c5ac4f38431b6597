// The pages of clock sources: they read themselves again now and then, and when the stream tells of an incident.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";

const interval = 3000; // milliseconds between two readings while somebody looks

let view = document.getElementById("sources");
measured(view.dataset.now);
tick();

// One reading at a time. What somebody has opened stays open, and what has the focus keeps it.
let reading = null;
function refresh() {
  reading ??= (async () => {
    const fresh = await reread(location.href, "sources");
    const open = new Set([...view.querySelectorAll("details[open]")].map((each) => each.dataset.key));
    for (const each of fresh.querySelectorAll("details")) each.open = open.has(each.dataset.key);
    const focused = place(document.activeElement);
    view.replaceWith(fresh);
    view = fresh;
    if (focused) view.querySelector(focused)?.focus({ preventScroll: true });
    measured(view.dataset.now);
    tick();
  })().finally(() => {
    reading = null;
  });
  return reading;
}

/** A selector for what has the focus, if it is a part of the view. */
function place(element) {
  if (!view.contains(element)) return null;
  const details = element.closest("details");
  if (details) return `details[data-key="${CSS.escape(details.dataset.key)}"] summary`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}

setInterval(() => {
  const isSelecting = !(getSelection()?.isCollapsed ?? true);
  if (!document.hidden && !isSelecting) refresh().catch(() => {});
}, interval);

follow(view.dataset.stream, {
  reset: refresh,
  incident: () => refresh().catch(() => {}),
});
