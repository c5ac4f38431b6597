// Everybody, in a table of which only what is in view exists: thousands of agents scroll as smoothly as ten.
//
// The rows are cut into chunks whose heights are measured once they were shown. Above and below the chunks in view an
// empty body keeps the place of the others. Readers are told of every row's place by aria-rowcount and aria-rowindex.

import { fill, nameOf, rank } from "./row.js";

const chunk = 20; // rows that come and go together
const margin = 1; // chunks kept ready above and below what is in view

const text = new Intl.Collator(document.documentElement.lang, { numeric: true });
const byID = (left, right) => (left.agent_id < right.agent_id ? -1 : left.agent_id > right.agent_id ? 1 : 0);
const orders = {
  agent: byID,
  name: (left, right) => text.compare(nameOf(left), nameOf(right)) || byID(left, right),
  team: (left, right) => text.compare(left.team, right.team) || byID(left, right),
  state: (left, right) => rank(left) - rank(right) || (left.since < right.since ? -1 : left.since > right.since ? 1 : byID(left, right)),
  since: (left, right) => (left.since > right.since ? -1 : left.since < right.since ? 1 : byID(left, right)),
};

export class Roster {
  agents = new Map(); // by id
  sorted = []; // in the order in which they stand
  rows = new Map(); // the rows that exist, by id
  heights = []; // of chunks, once measured
  known = { sum: 0, count: 0 }; // of the measured ones
  first = 0; // chunk
  last = -1; // chunk
  onRow = () => {};

  constructor(sort) {
    this.compare = orders[sort] ?? byID;
    this.table = document.getElementById("agents");
    this.above = document.getElementById("above");
    this.below = document.getElementById("below");
    this.blank = document.getElementById("blank-row").content.firstElementChild;
    this.adopt();
    const later = () => this.later();
    document.addEventListener("scroll", later, { passive: true });
    window.addEventListener("resize", () => {
      this.forgetHeights();
      later();
    });
    this.table.addEventListener("keydown", (event) => this.step(event));
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

  height(number) {
    if (this.heights[number]) return this.heights[number];
    const { sum, count } = this.known;
    const usual = count ? sum / count : chunk * 64;
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
    if (this.isOver || (!this.agents.size && !mustFill)) return;
    const top = -this.table.getBoundingClientRect().top;
    const [first, last] = this.inView(top, top + window.innerHeight);
    if (!mustFill && first === this.first && last === this.last) return;
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
      if (wanted.has(row.dataset.agent)) continue;
      this.rows.delete(row.dataset.agent);
      row.remove();
    }
    let next = this.body.firstElementChild;
    agents.forEach((agent, index) => {
      let row = this.rows.get(agent.agent_id);
      if (!row) {
        row = this.blank.cloneNode(true);
        fill(row, agent);
        this.rows.set(agent.agent_id, row);
        this.onRow(row);
      } else if (!row.dataset.since) {
        fill(row, agent); // one that the server made
      }
      row.setAttribute("aria-rowindex", String(from + index + 2));
      if (row === next) next = next.nextElementSibling;
      else this.body.insertBefore(row, next);
    });
  }

  measure(first, last) {
    for (let number = first; number <= last; number++) {
      const start = this.body.rows[(number - first) * chunk];
      const end = this.body.rows[Math.min((number - first + 1) * chunk, this.body.rows.length) - 1];
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
    const other = direction > 0 ? row.nextElementSibling : row.previousElementSibling;
    const column = event.target.matches("[data-pick]") ? "[data-pick]" : "[data-field=name]";
    other?.querySelector(column)?.focus();
    other?.scrollIntoView({ block: "nearest" });
  }
}

/** Two sorted lists as one. */
function merge(left, right, compare) {
  if (!right.length) return left;
  const merged = [];
  let next = 0;
  for (const each of left) {
    while (next < right.length && compare(right[next], each) < 0) merged.push(right[next++]);
    merged.push(each);
  }
  return [...merged, ...right.slice(next)];
}
