// Brings a part of the page to how the server has it now and leaves alone whatever is so already: what has the focus, what is
// marked, what is open and where somebody reads stay.

const names = ["key", "agent", "team", "incident", "change", "name", "api", "stage", "span"]; // that tell parts apart
const ours = new Set(["open", "data-uncertain"]); // attributes that people and other scripts set

/** Makes `old` what `fresh` is; both are elements of one kind. What a script put there (`data-own`) stays. */
export function renew(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  renewElement(old, fresh);
  // Whatever was moved has lost it.
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function renewElement(old, fresh) {
  if (old.dataset.kept !== undefined) return; // a script follows it
  // Clock times are the page's own, by the reader's clock; another zone's are the server's. The rest of a time is so already.
  if (old.nodeName === "TIME" && old.getAttribute("datetime") === fresh.getAttribute("datetime")) {
    if (old.dataset.clock === undefined && old.textContent !== fresh.textContent) old.textContent = fresh.textContent;
    return;
  }
  renewAttributes(old, fresh);
  renewChildren(old, fresh);
}

function renewAttributes(old, fresh) {
  const isOurs = (name) => ours.has(name) || (name === "hidden" && old.dataset.scripted !== undefined);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isOurs(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (!isOurs(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function renewChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  const [places, taken] = pairs(old, wanted);
  let at = next(old.firstChild);
  for (const node of wanted) {
    const own = places.get(node) ?? (at && !taken.has(at) && isLike(at, node) ? at : null);
    if (!own) {
      old.insertBefore(node, at);
      continue;
    }
    while (at && at !== own && !taken.has(at)) at = drop(at);
    if (at === own) at = next(own.nextSibling);
    else old.insertBefore(own, at);
    if (own.nodeType === Node.ELEMENT_NODE) renewElement(own, node);
    else if (own.data !== node.data) own.data = node.data;
  }
  // Those that are left before `at` found their places, or are a script's.
  while (at) at = drop(at);
}

/** Takes a node away; gives the one behind it. */
function drop(node) {
  const behind = next(node.nextSibling);
  node.remove();
  return behind;
}

/** The node, or the next one that no script put there. */
function next(node) {
  while (node?.dataset?.own !== undefined) node = node.nextSibling;
  return node;
}

/**
 * Which of the nodes that are there is which of those that are wanted, as far as that can be told, and which are taken so: those
 * that say the same, and of the others those that do so at other times.
 */
function pairs(old, wanted) {
  const places = new Map();
  const taken = new Set();
  for (const isExact of [true, false]) {
    const known = new Map();
    for (let node = next(old.firstChild); node; node = next(node.nextSibling)) {
      if (taken.has(node)) continue;
      const mark = markOf(node, isExact);
      if (!known.has(mark)) known.set(mark, []);
      known.get(mark).push(node);
    }
    for (const node of wanted) {
      const found = places.has(node) ? null : known.get(markOf(node, isExact))?.shift();
      if (!found) continue;
      places.set(node, found);
      taken.add(found);
    }
  }
  return [places, taken];
}

/** Whether a node may become another: of one kind, and neither has a name of its own. */
function isLike(node, other) {
  return node.nodeName === other.nodeName && nameOf(node) === null && nameOf(other) === null;
}

/** What a node is: by its name, else by all that it says; `isExact`: instants too. */
function markOf(node, isExact) {
  return `${node.nodeName} ${nameOf(node) ?? said(node, isExact)}`;
}

function nameOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  if (node.id) return `#${node.id}`;
  const name = names.find((each) => node.dataset[each] !== undefined);
  return name ? `${name}: ${node.dataset[name]} ${node.dataset.source ?? ""}` : null;
}

/** The words of a node; of a time the instant, which its words only follow. */
function said(node, isExact) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.data ?? "";
  if (node.nodeName === "TIME") return isExact ? node.getAttribute("datetime") : "";
  let text = "";
  for (const child of node.childNodes) text += said(child, isExact);
  return text;
}
