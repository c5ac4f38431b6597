// The figures: counted anew once a minute while somebody looks; the stream tells that there is a connection.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { isSelecting, keepReading } from "./reading.js";

const interval = 60_000; // milliseconds between two countings, which read a whole day

const form = document.querySelector("form.filter");
const stats = document.getElementById("stats");
measured(stats.dataset.now);
tick();

/** Shows the figures anew. What is open stays open; the filter follows the day unless somebody is at it. */
async function read() {
  const fresh = await reread(location.href, "stats");
  const old = document.getElementById("figures");
  const figures = fresh.querySelector("#figures");
  const isOpen = old.querySelector("details")?.open;
  const isFocused = old.contains(document.activeElement);
  const table = figures.querySelector("details");
  if (table && isOpen !== undefined) table.open = isOpen;
  old.replaceWith(figures);
  if (isFocused) figures.querySelector("summary")?.focus({ preventScroll: true });
  const day = form.elements.day;
  day.max = figures.dataset.today;
  if (!form.contains(document.activeElement) && day.value === old.dataset.day) {
    day.value = figures.dataset.day;
    day.defaultValue = day.value; // nobody has filled it in
  }
  stats.dataset.now = fresh.dataset.now;
  measured(fresh.dataset.now);
  tick();
}
keepReading("stats", read, interval, () => !isSelecting());

// No agent is looked for.
follow("/v1/stream?snapshot=false&q=%E2%88%85", {});
