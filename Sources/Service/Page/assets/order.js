// In which order agents stand in the table.

import { nameOf, rank } from "./row.js";

const text = new Intl.Collator(document.documentElement.lang, { numeric: true });

export const byID = (left, right) => (left.agent_id < right.agent_id ? -1 : left.agent_id > right.agent_id ? 1 : 0);

/** By the word that the address has for it. */
export const orders = {
  agent: byID,
  name: (left, right) => text.compare(nameOf(left), nameOf(right)) || byID(left, right),
  team: (left, right) => text.compare(left.team, right.team) || byID(left, right),
  state: (left, right) => rank(left) - rank(right) || (left.since < right.since ? -1 : left.since > right.since ? 1 : byID(left, right)),
  since: (left, right) => (left.since > right.since ? -1 : left.since < right.since ? 1 : byID(left, right)),
};

/** Two sorted lists as one. */
export function merge(left, right, compare) {
  if (!right.length) return left;
  const merged = [];
  let next = 0;
  for (const each of left) {
    while (next < right.length && compare(right[next], each) < 0) merged.push(right[next++]);
    merged.push(each);
  }
  return [...merged, ...right.slice(next)];
}
