// The sliders: each step is one threshold that tells two questions apart.

function setUpSlider(index) {
  const system = report.systems[index];
  const box = find(`#threshold-${index}`);
  if (!box) return;
  const known = system.probabilities.filter((probability) => probability !== null);
  const steps = [-1, ...new Set(known.toSorted((a, b) => a - b))];
  const slider = find("input[type=range]", box);
  const field = find("input[type=number]", box);
  const said = find("output", box);
  slider.max = steps.length - 1;

  const answered = (threshold) => known.filter((one) => one <= threshold).length;
  const describe = (threshold) => {
    const count = answered(threshold);
    const share = percent(count / known.length);
    said.textContent = `${count.toLocaleString("en")} questions (${share}) are answered`;
    slider.setAttribute("aria-valuetext", `threshold ${shortNumber(threshold)}, ${share} answered`);
    moveMarker(index, count / known.length);
  };
  const stepOf = (threshold) => steps.findLastIndex((step) => step <= threshold);
  const move = (threshold) => {
    showThreshold(index, threshold);
    describe(threshold);
    find("button", box).hidden = false;
    showList();
  };

  let waiting = 0;
  slider.addEventListener("input", () => {
    const threshold = steps[slider.valueAsNumber];
    field.value = shortNumber(threshold);
    // Dragging gives more steps than pictures can follow.
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => move(threshold));
  });
  field.addEventListener("change", () => {
    if (Number.isNaN(field.valueAsNumber)) return;
    slider.value = Math.max(0, stepOf(field.valueAsNumber));
    move(field.valueAsNumber);
  });
  const setControls = () => {
    slider.value = Math.max(0, stepOf(system.threshold));
    field.value = shortNumber(system.threshold);
    describe(system.threshold);
  };
  find("button", box).addEventListener("click", () => {
    setControls();
    showThreshold(index, null);
    showList();
    find("button", box).hidden = true;
    slider.focus();
  });
  setControls();
}

// Enough digits to tell 0.99999 from 1.
function shortNumber(value) {
  return String(Number(value.toPrecision(6)));
}

// A line in the threshold chart; the figure tells where its axes lie.
function moveMarker(index, share) {
  const figure = find('figure[data-chart="threshold"]');
  if (!figure) return;
  const [left, right, top, bottom] = figure.dataset.frame.split(" ").map(Number);
  let line = find(`line.marker-${index}`, figure);
  if (!line) {
    line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", `marker marker-${index}`);
    line.setAttribute("y1", top);
    line.setAttribute("y2", bottom);
    find("svg", figure).append(line);
  }
  const x = left + share * (right - left);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
}
