// Everybody, in a table of which only what is in view exists, however many there are.
//
// The rows are cut into chunks whose heights are measured once they were shown. Above and below the chunks in view an
// empty body keeps the place of the others. Readers are told of every row's place by aria-rowcount and aria-rowindex.

import { Heights } from "./heights.js";
import { byID, merge, orders } from "./order.js";
import { fill } from "./row.js";

const chunk = 20; // rows that come and go together
const margin = 1; // chunks kept ready above and below what is in view

export class Roster {
  agents = new Map(); // by id
  sorted = []; // in the order in which they stand
  rows = new Map(); // the rows that exist, by id
  heights = new Heights(chunk, () => this.sorted.length);
  first = 0; // chunk
  last = -1; // chunk
  isWhole = false; // whether everybody is known; before that the rows are the server's
  kept = []; // who stands in view, and how far down each
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
    this.kept = [];
    this.agents = new Map();
    this.sorted = [];
    this.rows = new Map();
    this.body.replaceChildren();
    this.heights.forget();
  }

  /** Everybody anew. */
  replace(agents) {
    const left = this.isWhole ? null : history.state; // where somebody who comes back was
    const old = this.agents;
    const standing = this.standing();
    this.agents = new Map(agents.map((agent) => [agent.agent_id, agent]));
    this.sorted = [...agents].sort(this.compare);
    this.isWhole = true;
    for (const [agentID, row] of this.rows) if (this.agents.has(agentID)) fill(row, this.agents.get(agentID));
    this.heights.forget();
    const stays = (before, agent) => agent && !(before && this.compare(before, agent)); // as far as that is known
    this.draw(true, standing.filter(({ agentID }) => stays(old.get(agentID), this.agents.get(agentID))));
    const back = this.agents.get(left?.agentID);
    if (back) this.reveal(this.place(back), [left]);
  }

  /** Takes in changes, `null` for who is gone. */
  take(changes) {
    const standing = this.standing();
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
    if (!moved.size) return this.scrollTo(standing);
    const news = [...moved].map((agentID) => this.agents.get(agentID)).filter(Boolean).sort(this.compare);
    this.sorted = merge(this.sorted.filter((agent) => !moved.has(agent.agent_id)), news, this.compare);
    // Nobody follows who moves.
    this.draw(true, standing.filter(({ agentID }) => !moved.has(agentID)));
  }

  /** Changes the page beside the table; whoever stands at the top of what is in view of the table stays there. */
  steady(change) {
    const standing = this.standing();
    change();
    this.scrollTo(standing);
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
    clearTimeout(this.noting);
    // The browser keeps who stands at the top, and where, for who comes back to the page.
    this.noting = setTimeout(() => this.isWhole && history.replaceState(this.kept[0], ""), 200);
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw(false);
    });
  }

  /** Another width makes other heights. Whoever stands at the top of what is in view stays there. */
  resize() {
    if (!this.isWhole || this.isOver || this.table.offsetWidth === this.width) return this.later();
    this.width = this.table.offsetWidth;
    const kept = this.kept;
    this.heights.forget();
    this.measure(this.first, this.last);
    this.keepAround(this.first, this.last);
    this.scrollTo(kept);
    this.draw(true, kept); // what is drawn has its own heights
  }

  /** Scrolls to where the first of these who has a row is as far down as noted. */
  scrollTo(standing) {
    const first = standing.find(({ agentID }) => this.rows.get(agentID)?.isConnected);
    if (!first) return;
    const way = this.rows.get(first.agentID).getBoundingClientRect().top - first.top;
    if (Math.abs(way) >= 1) window.scrollBy(0, way);
  }

  /** Who stands in view, from the top on, and how far down each; nobody while one reads above the table. */
  standing() {
    const standing = [];
    if (this.table.getBoundingClientRect().top >= 0) return standing;
    for (const row of this.inPlace()) {
      const { top, bottom } = row.getBoundingClientRect();
      if (top >= window.innerHeight) break;
      if (bottom > 0) standing.push({ agentID: row.dataset.agent, top });
    }
    return standing;
  }

  /** The rows that stand in their places: all but one that is kept for its focus. */
  inPlace() {
    return [...this.body.rows].filter((row) => !row.classList.contains("away"));
  }

  /**
   * Makes the rows exist that are in view, and no others; `mustFill`: also when the same chunks are in view. The first of those
   * who are `standing` stays where it is, whatever came or went above.
   */
  draw(mustFill, standing = this.standing()) {
    if (this.isOver || !this.isWhole) return;
    const top = standing.length
      ? this.heights.above(this.place(this.agents.get(standing[0].agentID))) - standing[0].top
      : -this.table.getBoundingClientRect().top;
    const [first, last] = this.inView(top, top + window.innerHeight);
    if (mustFill || first !== this.first || last !== this.last) {
      this.show(first, last);
      this.scrollTo(standing);
      this.kept = this.standing();
    } else {
      this.kept = standing;
    }
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
    if (this.isPrinting) return [0, this.heights.chunks - 1];
    let reached = 0;
    let first = null;
    let last = 0;
    for (let number = 0; number < this.heights.chunks; number++) {
      const end = reached + this.heights.of(number);
      if (first === null && end >= top) first = number;
      if (reached <= bottom) last = number;
      reached = end;
    }
    first ??= Math.max(0, this.heights.chunks - 1);
    return [Math.max(0, first - margin), Math.min(this.heights.chunks - 1, Math.max(last, first) + margin)];
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
      this.heights.note(number, end.getBoundingClientRect().bottom - start.getBoundingClientRect().top);
    }
  }

  keepAround(first, last) {
    this.keep(this.above, 0, first);
    this.keep(this.below, last + 1, this.heights.chunks);
  }

  /** Keeps the place of chunks that do not exist. */
  keep(place, from, to) {
    const height = this.heights.sum(from, to);
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

  /** Scrolls to where a row has its place, so that it exists; and on to where it was as noted, if it was. */
  reveal(index, noted = []) {
    const top = this.table.getBoundingClientRect().top + window.scrollY + this.heights.above(index);
    window.scrollTo(0, top - window.innerHeight / 2);
    this.draw(true, []);
    this.scrollTo(noted);
  }
}
