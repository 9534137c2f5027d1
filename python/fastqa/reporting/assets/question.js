// One question: its context with the answers marked, and the n-best lists.

// The context in pieces, each with the names of the answers that it is part of. Places count code
// points, as Python does, not UTF-16 units.
function markedContext(text, spans) {
  const characters = Array.from(text);
  const cuts = new Set([0, characters.length]);
  for (const [start, end] of spans) cuts.add(start).add(Math.min(end, characters.length));
  const places = [...cuts].sort((a, b) => a - b);
  const pieces = [];
  for (let index = 0; index + 1 < places.length; index++) {
    const [from, to] = [places[index], places[index + 1]];
    const names = spans.filter(([start, end]) => start <= from && to <= end).map(([, , name]) => name);
    const piece = characters.slice(from, to).join("");
    const classes = [...new Set(names)].join(" ");
    pieces.push(names.length ? element("mark", { class: classes }, piece) : piece);
  }
  return element("p", { class: "context", dir: "auto" }, ...pieces);
}

function legend() {
  const systems = report.systems.map(({ name }, index) => [index ? "second" : "first", name]);
  const marks = [["gold", "gold answer"], ...systems].flatMap(([kind, name]) => [
    element("mark", { class: kind }, name),
    " ",
  ]);
  return element("p", { class: "legend" }, ...marks);
}

function spansOf(place) {
  const spans = report.golds[place]
    .filter(([text, start]) => text && start >= 0)
    .map(([text, start]) => [start, start + Array.from(text).length, "gold"]);
  shown.forEach((answers, index) => {
    const start = answers.starts[place];
    const end = start + Array.from(answers.texts[place]).length;
    if (start >= 0 && end > start) spans.push([start, end, index ? "second" : "first"]);
  });
  return spans;
}

function answerLines(place) {
  const list = element("dl");
  const add = (name, value, ...more) => {
    list.append(element("dt", {}, name), element("dd", {}, value, ...more));
  };
  const golds = report.golds[place];
  add(golds.length > 1 ? "gold answers" : "gold answer", shownAnswer(golds[0]?.[0]));
  for (const [text] of golds.slice(1)) list.append(element("dd", {}, shownAnswer(text)));
  report.systems.forEach((system, index) => {
    const answers = shown[index];
    const type = errorType(answers, place);
    const facts = [`F1 ${answers.f1[place].toFixed(2)}`];
    if (system.confidence) facts.push(`probability ${percent(system.confidence[place])}`);
    const null_ = system.probabilities?.[place];
    if (typeof null_ === "number") facts.push(`no answer ${percent(null_)}`);
    const label = element("span", { class: `type ${type}` }, ERROR_TYPES[type]);
    const about = element("small", {}, facts.join(", "));
    add(system.name, shownAnswer(answers.texts[place]), " ", label, " ", about);
  });
  const cause = report.unreachable[place];
  if (cause) add("not reachable", CAUSES[cause] ?? cause);
  return list;
}

function nbestTable(system, place) {
  const entries = system.entries?.[place];
  if (!entries?.length) return "";
  const characters = Array.from(context(place));
  const rows = entries.map(([probability, where, end], rank) => {
    const text = typeof where === "string" ? where : characters.slice(where, end).join("");
    const share = element("td", { class: "bar" }, percent(probability));
    share.style.setProperty("--share", percent(probability));
    return element("tr", {}, element("td", {}, rank + 1), element("td", {}, shownAnswer(text)), share);
  });
  const names = ["rank", "answer", "probability"];
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  const caption = element("caption", {}, `n-best list of ${system.name}`);
  const table = element("table", { class: "nbest" }, caption, element("thead", {}, head));
  table.append(element("tbody", {}, ...rows));
  return table;
}

function neighbour(place, step, label) {
  const next = chosen[chosen.indexOf(place) + step];
  const known = chosen.includes(place) && next !== undefined;
  const link = element("a", { href: known ? addressOf({ question: report.ids[next] }) : undefined });
  link.append(label);
  return link;
}

function showQuestion(id) {
  const panel = find("#question");
  const place = placeOf.get(id);
  panel.hidden = !id;
  document.body.classList.toggle("reading", Boolean(id));
  if (!id) return;
  const close = element("a", { href: addressOf({ question: "" }) }, "close");
  if (place === undefined) {
    panel.replaceChildren(element("p", {}, `There is no question ${id}. `, close));
    return;
  }
  const title = report.titles[report.titleOf[place]].replaceAll("_", " ");
  const moves = [neighbour(place, -1, "previous"), neighbour(place, 1, "next"), close];
  const heading = element("h3", { tabindex: "-1", dir: "auto" }, report.questions[place].trim());
  panel.replaceChildren(
    element("nav", { "aria-label": "questions" }, ...moves),
    heading,
    element("p", { class: "id" }, title ? `${title}, ` : "", "id ", element("code", {}, id)),
    answerLines(place),
    legend(),
    markedContext(context(place), spansOf(place)),
    ...report.systems.map((system) => nbestTable(system, place)),
  );
  heading.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}
