// What a system answers under a no-answer threshold, and every number that follows from it.

// Columns of effective answers; without a threshold those that the system gave.
function answersAt(system, threshold) {
  const { predictions, starts, exact, f1 } = system;
  if (threshold === null) return { texts: predictions, starts, exact, f1 };
  const answers = {
    texts: [...predictions],
    starts: [...starts],
    exact: [...exact],
    f1: [...f1],
  };
  // Where the system said nothing, its best answer with text may come back.
  for (const [place, text, start, ...scores] of system.withText) {
    answers.texts[place] = text;
    answers.starts[place] = start;
    [answers.exact[place], answers.f1[place]] = scores;
  }
  system.probabilities.forEach((probability, place) => {
    if (probability === null || probability <= threshold) return;
    answers.texts[place] = "";
    answers.starts[place] = -1;
    answers.exact[place] = answers.f1[place] = hasAnswer(place) ? 0 : 1;
  });
  return answers;
}

function errorType(answers, place) {
  if (answers.exact[place] === 1) return "right";
  if (!hasAnswer(place)) return "false_answer";
  if (report.unreachable[place] !== undefined) return "unreachable";
  if (!answers.texts[place]) return "false_no_answer";
  return answers.f1[place] > 0 ? "boundary" : "wrong";
}

// For each code: questions, and the sums of exact and F1 in the order of the questions.
function sumsBy(codes, answers) {
  const sums = [];
  for (let place = 0; place < total; place++) {
    const sum = (sums[codes[place]] ??= [0, 0, 0]);
    sum[0] += 1;
    sum[1] += answers.exact[place];
    sum[2] += answers.f1[place];
  }
  return sums;
}

const everything = report.ids.map(() => 0);
const answerable = report.ids.map((_, place) => Number(hasAnswer(place)));

// Name -> number for everything in the page that has data-number, in the scale of the page.
function numbersOf(answers) {
  const numbers = new Map();
  const setMeans = (prefix, sum) => {
    if (!sum) return;
    numbers.set(`${prefix}exact`, (100 * sum[1]) / sum[0]);
    numbers.set(`${prefix}f1`, (100 * sum[2]) / sum[0]);
  };
  setMeans("", sumsBy(everything, answers)[0]);
  const [without, having] = sumsBy(answerable, answers);
  setMeans("HasAns_", having);
  setMeans("NoAns_", without);
  for (const { key, codes } of report.groupings) {
    sumsBy(codes, answers).forEach((sum, code) => setMeans(`${key}:${code}:`, sum));
  }
  const add = (name) => numbers.set(name, numbers.get(name) + 1);
  numbers.set("exact_match", numbers.get("exact")); // its name where every question has an answer
  for (const type of Object.keys(ERROR_TYPES)) numbers.set(`type:${type}`, 0);
  for (const cell of ["1:1", "1:0", "0:1", "0:0"]) numbers.set(`confusion:${cell}`, 0);
  for (let place = 0; place < total; place++) {
    add(`type:${errorType(answers, place)}`);
    add(`confusion:${answerable[place]}:${Number(Boolean(answers.texts[place]))}`);
  }
  return numbers;
}

// The answers that are shown now, one entry a system.
const thresholds = report.systems.map(() => null);
const shown = report.systems.map((system) => answersAt(system, null));

function showThreshold(index, threshold) {
  thresholds[index] = threshold;
  shown[index] = answersAt(report.systems[index], threshold);
  const numbers = numbersOf(shown[index]);
  for (const item of findAll(`data[data-system="${index}"]`)) {
    const value = numbers.get(item.dataset.number);
    if (value === undefined) continue;
    item.value = value;
    item.textContent = item.dataset.number.includes("f1") || item.dataset.number.includes("exact")
      ? value.toFixed(2)
      : value.toLocaleString("en");
    // Bars are of counts among all questions, or of scores, which are percent already.
    const share = item.dataset.number.startsWith("type:") ? (100 * value) / total : value;
    item.closest(".bar")?.style.setProperty("--share", `${share}%`);
  }
  // Intervals were drawn for the answers as they came.
  document.body.classList.toggle("moved", thresholds.some((one) => one !== null));
}
