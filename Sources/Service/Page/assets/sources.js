// The pages of clock sources: they read themselves again now and then, and when the stream tells of an incident of one.

import { measured, tick } from "./ages.js";
import { follow, reread } from "./live.js";
import { keepReading, paced } from "./reading.js";
import { renew } from "./renew.js";

const interval = 3000; // milliseconds between two readings while somebody looks

const view = document.getElementById("sources");
measured(view.dataset.now);
tick();

/** Reads the view again. */
async function read() {
  renew(view, await reread(location.href, "sources"));
  measured(view.dataset.now);
  tick();
}
const refresh = keepReading("sources", read, interval);
const again = paced(() => refresh().catch(() => {}));

follow(view.dataset.stream, {
  reset: refresh,
  incident: ({ source }) => source && again(),
});
