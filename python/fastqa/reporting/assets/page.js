// Puts the parts together: the address decides what is shown.

function show() {
  const address = readAddress();
  fillFilters(address);
  showList();
  showQuestion(address.get("question"));
}

// "Show these questions" in a table: what the row stands for becomes the filter.
for (const link of findAll("a[data-filter]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", `#${link.dataset.filter}`);
    show();
    find("#questions").scrollIntoView();
    find("#found").focus({ preventScroll: true });
  });
}

setUpFilters();
report.systems.forEach((system, index) => setUpSlider(index));
addEventListener("hashchange", show);
show();
