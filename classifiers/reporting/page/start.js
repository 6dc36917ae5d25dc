function showCounts() {
  const splits = [...new Set(data.counts.map((row) => row[0]))];
  const labels = new Map();
  for (const [split, label, images] of data.counts) {
    if (!labels.has(label)) labels.set(label, new Map());
    labels.get(label).set(split, images);
  }
  const sum = (values) => values.reduce((total, each) => total + each, 0);
  const written = (value) => value.toLocaleString("en");
  const rows = [...labels].map(([label, of]) => [label,
    ...splits.map((split) => written(of.get(split) || 0)), written(sum([...of.values()]))]);
  rows.push(["all", ...splits.map((split) => written(sum(data.counts
    .filter((row) => row[0] === split).map((row) => row[2])))), written(data.total)]);
  byId("counts-table").append(tableOf(rows, ["label", ...splits, "all"]));
}

function start() {
  byId("made").textContent = count(data.total, "image", "images") + "; made " + data.made;
  byId("notes").append(...data.notes.map((note) => element("li", {}, note)));
  showCounts();
  showMap();
  showFindings();
  data.models.forEach(showModel);
  byId("records-list").append(...partsOf(data.records, "What the table says of itself"));
  for (const section of document.querySelectorAll("main section:not([hidden])")) {
    const link = element("a", { href: "#" + section.id }, section.querySelector("h2").textContent);
    byId("parts").append(element("li", {}, link));
  }
  document.documentElement.dataset.ready = "yes";
}

start();
