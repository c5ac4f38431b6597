// Everybody, in a table of which only what is in view exists: thousands of agents scroll as smoothly as ten.
//
// The rows are cut into chunks whose heights are measured once they were shown. Above and below the chunks in view an
// empty body keeps the place of the others. Readers are told of every row's place by aria-rowcount and aria-rowindex.

import { byID, merge, orders } from "./order.js";
import { fill } from "./row.js";

const chunk = 20; // rows that come and go together
const margin = 1; // chunks kept ready above and below what is in view
const usualHeight = 64; // pixels of a row, until one was measured

export class Roster {
  agents = new Map(); // by id
  sorted = []; // in the order in which they stand
  rows = new Map(); // the rows that exist, by id
  heights = []; // of chunks, once measured
  known = { sum: 0, count: 0 }; // of the measured ones
  first = 0; // chunk
  last = -1; // chunk
  isWhole = false; // whether everybody is known; before that the rows are the server's
  kept = null; // who stands at the top of what is in view, and how far down, while somebody reads in the table
  onRow = () => {};

  constructor(sort) {
    this.compare = orders[sort] ?? byID;
    this.table = document.getElementById("agents");
    this.above = document.getElementById("above");
    this.below = document.getElementById("below");
    this.blank = document.getElementById("blank-row").content.firstElementChild;
    this.adopt();
    this.width = this.table.offsetWidth;
    document.addEventListener("scroll", () => this.later(), { passive: true });
    window.addEventListener("resize", () => this.resize());
    this.table.addEventListener("keydown", (event) => this.step(event));
    // A row that was kept for its focus goes once it has none.
    this.table.addEventListener("focusout", (event) => {
      if (event.target.closest("tr.away")) requestAnimationFrame(() => this.draw(true));
    });
    // Paper does not scroll.
    for (const name of ["beforeprint", "afterprint"]) {
      window.addEventListener(name, () => {
        this.isPrinting = name === "beforeprint";
        this.draw(true);
      });
    }
  }

  /** Takes over the rows that the server made. */
  adopt() {
    this.body = document.getElementById("rows");
    this.rows = new Map([...this.body.rows].map((row) => [row.dataset.agent, row]));
    for (const row of this.body.rows) this.onRow(row);
  }

  /** Takes away the row of somebody who is gone, on a page of a list. */
  lose(agentID) {
    this.rows.get(agentID)?.remove();
    this.rows.delete(agentID);
  }

  /** Nobody any more, here and in what is held of the table. */
  forget() {
    this.isOver = true;
    this.kept = null;
    this.agents = new Map();
    this.sorted = [];
    this.rows = new Map();
    this.body.replaceChildren();
    this.forgetHeights();
  }

  /** Everybody anew. */
  replace(agents) {
    this.agents = new Map(agents.map((agent) => [agent.agent_id, agent]));
    this.sorted = [...agents].sort(this.compare);
    this.isWhole = true;
    for (const [agentID, row] of this.rows) if (this.agents.has(agentID)) fill(row, this.agents.get(agentID));
    this.forgetHeights();
    this.draw(true);
  }

  /** Takes in changes, `null` for who is gone. */
  take(changes) {
    const moved = new Set();
    for (const [agentID, agent] of changes) {
      const old = this.agents.get(agentID);
      if (agent) this.agents.set(agentID, agent);
      else this.agents.delete(agentID);
      const row = this.rows.get(agentID);
      if (row && agent) fill(row, agent);
      if (!old || !agent || this.compare(old, agent) !== 0) moved.add(agentID);
      else this.sorted[this.place(old)] = agent;
    }
    if (!moved.size) return;
    const news = [...moved].map((agentID) => this.agents.get(agentID)).filter(Boolean).sort(this.compare);
    this.sorted = merge(this.sorted.filter((agent) => !moved.has(agent.agent_id)), news, this.compare);
    this.draw(true);
  }

  /** Where somebody stands. */
  place(agent) {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(this.sorted[middle], agent) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  later() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw(false);
    });
  }

  /** Another width makes other heights. Whoever stands at the top of what is in view stays there. */
  resize() {
    if (!this.isWhole || this.isOver || this.table.offsetWidth === this.width) {
      this.later();
      return;
    }
    this.width = this.table.offsetWidth;
    const kept = this.kept;
    this.forgetHeights();
    this.measure(this.first, this.last);
    this.keepAround(this.first, this.last);
    this.scrollTo(kept);
    this.draw(true);
    this.scrollTo(kept); // what was drawn has its own heights
    this.note();
  }

  scrollTo(kept) {
    const row = kept && this.rows.get(kept.agentID);
    if (row) window.scrollBy(0, row.getBoundingClientRect().top - kept.top);
  }

  /** Notes who stands at the top of what is in view; above the table nobody has to. */
  note() {
    this.kept = null;
    if (this.table.getBoundingClientRect().top >= 0) return;
    for (const row of this.inPlace()) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom <= 0) continue;
      this.kept = { agentID: row.dataset.agent, top };
      return;
    }
  }

  /** The rows that stand in their places: all but one that is kept for its focus. */
  inPlace() {
    return [...this.body.rows].filter((row) => !row.classList.contains("away"));
  }

  height(number) {
    if (this.heights[number]) return this.heights[number];
    const { sum, count } = this.known;
    const usual = count ? sum / count : chunk * usualHeight;
    const isLast = number === this.chunks - 1;
    return isLast ? (usual * (this.sorted.length - number * chunk)) / chunk : usual;
  }

  forgetHeights() {
    this.heights = [];
    this.known = { sum: 0, count: 0 };
  }

  get chunks() {
    return Math.ceil(this.sorted.length / chunk);
  }

  /** Makes the rows exist that are in view, and no others; `mustFill`: also when the same chunks are in view. */
  draw(mustFill) {
    if (this.isOver || !this.isWhole) return;
    const top = -this.table.getBoundingClientRect().top;
    const [first, last] = this.inView(top, top + window.innerHeight);
    if (mustFill || first !== this.first || last !== this.last) this.show(first, last);
    this.note();
  }

  show(first, last) {
    [this.first, this.last] = [first, last];
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const wanted = this.sorted.slice(first * chunk, (last + 1) * chunk);
    // Places are kept before rows go: a page that grows shorter, if only for a moment, loses where one has scrolled to.
    this.keepAround(first, last);
    this.fit(wanted, first * chunk);
    this.measure(first, last);
    this.keepAround(first, last);
    this.table.setAttribute("aria-rowcount", String(this.sorted.length + 1));
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  inView(top, bottom) {
    if (this.isPrinting) return [0, this.chunks - 1];
    let reached = 0;
    let first = null;
    let last = 0;
    for (let number = 0; number < this.chunks; number++) {
      const end = reached + this.height(number);
      if (first === null && end >= top) first = number;
      if (reached <= bottom) last = number;
      reached = end;
    }
    first ??= Math.max(0, this.chunks - 1);
    return [Math.max(0, first - margin), Math.min(this.chunks - 1, Math.max(last, first) + margin)];
  }

  /** Lets the body hold the rows of these agents, in order. */
  fit(agents, from) {
    const wanted = new Set(agents.map((agent) => agent.agent_id));
    for (const row of [...this.body.rows]) {
      const isWanted = wanted.has(row.dataset.agent);
      const agent = this.agents.get(row.dataset.agent);
      // What has the focus keeps it, also where nobody sees it: the next key goes on from there.
      const isAway = !isWanted && agent !== undefined && row.contains(document.activeElement);
      row.classList.toggle("away", isAway);
      if (isAway) row.setAttribute("aria-rowindex", String(this.place(agent) + 2));
      if (isWanted || isAway) continue;
      this.rows.delete(row.dataset.agent);
      row.remove();
    }
    let next = this.body.firstElementChild;
    if (next?.matches(".away") && Number(next.getAttribute("aria-rowindex")) < from + 2) next = next.nextElementSibling;
    agents.forEach((agent, index) => {
      let row = this.rows.get(agent.agent_id);
      if (!row) {
        row = this.blank.cloneNode(true);
        fill(row, agent);
        this.rows.set(agent.agent_id, row);
        this.onRow(row);
      }
      row.setAttribute("aria-rowindex", String(from + index + 2));
      if (row === next) next = next.nextElementSibling;
      else this.body.insertBefore(row, next);
    });
  }

  measure(first, last) {
    const rows = this.inPlace();
    for (let number = first; number <= last; number++) {
      const start = rows[(number - first) * chunk];
      const end = rows[Math.min((number - first + 1) * chunk, rows.length) - 1];
      if (!start || !end) continue;
      const height = end.getBoundingClientRect().bottom - start.getBoundingClientRect().top;
      this.known.sum += height - (this.heights[number] ?? 0);
      this.known.count += this.heights[number] ? 0 : 1;
      this.heights[number] = height;
    }
  }

  keepAround(first, last) {
    this.keep(this.above, 0, first);
    this.keep(this.below, last + 1, this.chunks);
  }

  /** Keeps the place of chunks that do not exist. */
  keep(place, from, to) {
    let height = 0;
    for (let number = from; number < to; number++) height += this.height(number);
    place.hidden = height === 0;
    const cell = place.querySelector("td");
    const wanted = `${Math.round(height)}px`;
    if (cell.style.height !== wanted) cell.style.height = wanted;
  }

  /** The arrows go from row to row. */
  step(event) {
    const direction = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest?.("tr[data-agent]");
    if (!direction || !row || event.target.matches("select, input:not([type=checkbox])")) return;
    const index = Number(row.getAttribute("aria-rowindex")) - 2 + direction;
    const agent = this.sorted[index];
    if (!agent) return;
    event.preventDefault();
    const column = event.target.matches("[data-pick]") ? "[data-pick]" : "[data-field=name]";
    if (!this.rows.has(agent.agent_id)) this.reveal(index);
    const other = this.rows.get(agent.agent_id);
    other?.querySelector(column)?.focus();
    other?.scrollIntoView({ block: "nearest" });
  }

  /** Scrolls to where a row has its place, so that it exists. */
  reveal(index) {
    const number = Math.floor(index / chunk);
    let top = this.table.getBoundingClientRect().top + window.scrollY;
    for (let before = 0; before < number; before++) top += this.height(before);
    top += (this.height(number) * (index % chunk)) / chunk;
    window.scrollTo(0, top - window.innerHeight / 2);
    this.draw(true);
  }
}
