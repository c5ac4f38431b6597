// What the script says: the page brings every sentence with it, in its language.

const sentences = new Map(
  [...document.getElementById("words").content.querySelectorAll("[data-key]")].map((each) => [each.dataset.key, each.textContent]),
);
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

/** What people made up, for a text: it may run in another direction, and what stands beside it does not follow. */
export function apart(text) {
  return `\u2068${text}\u2069`;
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

/** An element of a kind with a text in it. */
export function element(kind, text = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}
