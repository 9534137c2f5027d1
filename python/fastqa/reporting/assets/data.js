// What the page is about: the JSON block of the document, and small helpers.

const report = JSON.parse(document.getElementById("report-data").textContent);
const total = report.ids.length;
const placeOf = new Map(report.ids.map((id, place) => [id, place]));

const ERROR_TYPES = {
  right: "right",
  boundary: "boundary off",
  wrong: "wrong span",
  false_answer: "false answer",
  false_no_answer: "false no-answer",
  unreachable: "unreachable gold",
};

const CAUSES = {
  max_answer_length: "it is longer than the longest answer that is searched",
  token_boundary: "it begins or ends inside of a token",
  window: "no window holds all of it",
  not_in_context: "its text is not in the context",
};

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const hasAnswer = (place) => report.golds[place].length > 0;
const context = (place) => report.contexts[report.contextOf[place]];
const percent = (share) => `${(100 * share).toFixed(1)}%`;

// Text only ever becomes a text node: nothing in a data set can become markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}
