// The list of questions: search, filters and order, kept in the address after the #.

const PAGE = 25;
const controls = find("#filters");
let chosen = [];

const OUTCOMES = {
  both_right: (first, second) => first && second,
  only_first: (first, second) => first && !second,
  only_second: (first, second) => !first && second,
  both_wrong: (first, second) => !first && !second,
};

const NAMES = ["question", "search", "type", "outcome", "group", "order", "page"];

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  // A link to a section of the page is an address too: #scores.
  return new URLSearchParams([...address].filter(([name]) => NAMES.includes(name)));
}

// An address with only what differs from nothing chosen.
function addressOf(changes) {
  const address = readAddress();
  for (const [name, value] of Object.entries(changes)) {
    if (value) address.set(name, value);
    else address.delete(name);
  }
  return `#${address}`;
}

function haystack(place) {
  const golds = report.golds[place].map(([text]) => text);
  const texts = shown.map((answers) => answers.texts[place]);
  const parts = [report.ids[place], report.questions[place], report.titles[report.titleOf[place]]];
  return [...parts, ...golds, ...texts].join("\n").toLowerCase();
}

function matching(address) {
  const wanted = (address.get("search") ?? "").trim().toLowerCase();
  const type = address.get("type");
  const outcome = OUTCOMES[address.get("outcome")];
  const [key, code] = (address.get("group") ?? "").split(":");
  const codes = report.groupings.find((grouping) => grouping.key === key)?.codes;
  const found = [];
  for (let place = 0; place < total; place++) {
    if (codes && codes[place] !== Number(code)) continue;
    if (type && errorType(shown[0], place) !== type) continue;
    if (outcome && !outcome(shown[0].exact[place] === 1, shown[1]?.exact[place] === 1)) continue;
    if (wanted && !haystack(place).includes(wanted)) continue;
    found.push(place);
  }
  return ordered(found, address.get("order"));
}

function ordered(places, order) {
  const { confidence } = report.systems[0];
  const keys = {
    f1: (place) => shown[0].f1[place],
    sure: (place) => -(confidence?.[place] ?? 0),
    unsure: (place) => confidence?.[place] ?? 0,
  };
  const key = keys[order];
  return key ? places.toSorted((a, b) => key(a) - key(b)) : places;
}

function shownAnswer(text) {
  return text ? element("span", { dir: "auto" }, text) : element("em", {}, "no answer");
}

function row(place) {
  const [gold] = report.golds[place];
  const link = element("a", { href: addressOf({ question: report.ids[place] }), dir: "auto" });
  link.append(report.questions[place].trim() || "(empty question)");
  const type = errorType(shown[0], place);
  const cells = [element("th", { scope: "row" }, link)];
  cells.push(element("td", { "data-label": "gold" }, shownAnswer(gold?.[0])));
  report.systems.forEach((system, index) => {
    const answer = shownAnswer(shown[index].texts[place]);
    const right = shown[index].exact[place] === 1 ? "yes" : "no";
    cells.push(element("td", { "data-label": system.name, "data-right": right }, answer));
  });
  cells.push(element("td", { "data-label": "F1" }, shown[0].f1[place].toFixed(2)));
  const label = element("span", { class: `type ${type}` }, ERROR_TYPES[type]);
  cells.push(element("td", { "data-label": "kind" }, label));
  return element("tr", {}, ...cells);
}

function showList() {
  const address = readAddress();
  chosen = matching(address);
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
  const page = Math.min(Math.max(1, Number(address.get("page")) || 1), pages);
  const part = chosen.slice((page - 1) * PAGE, page * PAGE);
  find("#list tbody").replaceChildren(...part.map(row));
  const count = chosen.length.toLocaleString("en");
  find("#found").textContent = `${count} of ${total.toLocaleString("en")} questions`;
  find("#page").textContent = `page ${page} of ${pages}`;
  for (const [id, target] of [["#previous", page - 1], ["#next", page + 1]]) {
    const button = find(id);
    button.disabled = target < 1 || target > pages;
    button.onclick = () => history.replaceState(null, "", addressOf({ page: target })) ?? showList();
  }
}

function fillFilters(address) {
  for (const control of controls.elements) {
    if (control.name) control.value = address.get(control.name) ?? "";
  }
}

function setUpFilters() {
  let waiting;
  const apply = () => {
    const changes = { page: "" };
    for (const control of controls.elements) {
      if (control.name) changes[control.name] = control.value;
    }
    history.replaceState(null, "", addressOf(changes));
    showList();
  };
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("change", apply);
  controls.addEventListener("input", () => {
    // While someone types, a list for every letter is too many.
    clearTimeout(waiting);
    waiting = setTimeout(apply, 150);
  });
  find("#clear").addEventListener("click", () => {
    history.replaceState(null, "", "#questions");
    show();
  });
}
