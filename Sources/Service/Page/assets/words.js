// What the script says: the page brings every sentence with it, in its language. What it shows already it does not bring twice.

const brought = document.getElementById("words").content.querySelectorAll("[data-key]");
const shown = document.querySelectorAll("option[data-key]");
const sentences = new Map([...brought, ...shown].map((each) => [each.dataset.key, each.textContent]));
export const language = document.documentElement.lang;
const plurals = new Intl.PluralRules(language);

/** Whether there is such a sentence. */
export function knows(key) {
  return sentences.has(key);
}

/** A sentence with its values put in. */
export function say(key, values = {}) {
  return (sentences.get(key) ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** What people made up, with every mark of direction in it closed, and none closed that is not open: the same as the server's. */
export function balanced(text) {
  if (!/[\u202a-\u202e\u2066-\u2069]/.test(text)) return text;
  let kept = "";
  let owed = ""; // what would close what is open, the innermost last
  for (const sign of text) {
    if (/[\u2066-\u2068]/.test(sign)) owed += "\u2069";
    else if (/[\u202a\u202b\u202d\u202e]/.test(sign)) owed += "\u202c";
    else if (sign === "\u2069" || sign === "\u202c") {
      const place = owed.lastIndexOf(sign);
      if (place < 0 || (sign === "\u202c" && place < owed.length - 1)) continue;
      owed = owed.slice(0, place);
    }
    kept += sign;
  }
  return kept + [...owed].reverse().join("");
}

/** What people made up, for a text: it may run in another direction, and what stands beside it does not follow. */
export function apart(text) {
  return `\u2068${balanced(text)}\u2069`;
}

/** A sentence with a number, in the form that the number asks for. */
export function count(key, n, values = {}) {
  return say(`${key}.${plurals.select(n)}`, { n, ...values });
}

/** A sentence whose values are texts and elements, as nodes. */
export function phrase(key, values = {}) {
  return (sentences.get(key) ?? key).split(/(\{\w+\})/).filter(Boolean).map((piece) => {
    const name = piece.match(/^\{(\w+)\}$/)?.[1];
    return name ? (values[name] ?? "") : piece;
  });
}

/** Says something once to who listens and does not look; it goes again before it grows old. */
export function announce(text, place = document.getElementById("pulse")) {
  const line = element("span", text);
  line.className = "hidden";
  place.append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** An element of a kind with a text in it, which may be somebody's name. */
export function element(kind, text = "") {
  const made = document.createElement(kind);
  made.textContent = balanced(text);
  return made;
}
