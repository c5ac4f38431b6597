// The figures: they are counted anew by opening the page, so the script keeps the times true and follows the stream's life.

import { measured, tick } from "./ages.js";
import { follow } from "./live.js";

measured(document.getElementById("stats").dataset.now);
tick();

document.querySelector("form.filter").addEventListener("change", (event) => event.target.form.requestSubmit());

// No agent is looked for: the stream tells that there is a connection.
follow("/v1/stream?snapshot=false&q=%E2%88%85", {});
