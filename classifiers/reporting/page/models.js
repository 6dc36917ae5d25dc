const WHOLE = 24; // classes up to which the confusion matrix is a table
const PAIRS = 200;

function showModel(model, number) {
  const id = "model-" + number;
  const title = element("h2", { id: id + "-title" }, "Model " + model.name);
  const section = element("section", { id, "aria-labelledby": id + "-title" }, title,
    element("p", {}, model.head + ", measured on split " + model.split));
  section.append(...partsOf(model.parts, "Measures of " + model.name));
  if (model.drawn) {
    section.append(element("div", { className: "charts" }, ...curveCharts(model.drawn.curves),
      model.drawn.reliability ? reliabilityChart(model.drawn.reliability) : null,
      scoresChart(model.drawn.scores)));
  }
  section.append(element("h3", {}, "Confusion"), ...confusion(model, id));
  const wrong = element("div", {});
  section.append(element("h3", {}, "Surest mistakes"), wrong);
  if (model.mistakes.length) gallery(wrong, model.mistakes, model);
  else wrong.append(element("p", {}, "none"));
  section.append(element("h3", {}, "How it was made"),
    ...partsOf([model.made], "How " + model.name + " was made"));
  byId("models").append(section);
}

function confusion(model, id) {
  const behind = element("div", { id: id + "-behind", tabIndex: -1 });
  const cells = new Map(model.cells.map((cell) => [cell[0] + " " + cell[1], cell]));
  function open(cell) {
    const [truth, said, images, shown] = cell;
    const text = model.classes[truth] + " told as " + model.classes[said] + ": "
      + count(images, "image", "images")
      + (shown.length < images ? ", the surest " + shown.length + " of them" : "");
    const list = element("div", {});
    behind.replaceChildren(element("h4", {}, text), list);
    gallery(list, shown, model);
    behind.focus();
  }
  const parts = [];
  if (model.classes.length <= WHOLE) parts.push(matrix(model, cells, open));
  else parts.push(heat(model, cells, open));
  const pairs = model.cells.filter((cell) => cell[0] !== cell[1]).sort((a, b) => b[2] - a[2]);
  if (model.classes.length > WHOLE && pairs.length) {
    const rows = pairs.slice(0, PAIRS).map((cell) => element("tr", {},
      element("td", {}, model.classes[cell[0]]), element("td", {}, model.classes[cell[1]]),
      element("td", { className: "number" }, button(cell, model, open))));
    const head = element("tr", {}, ...["is", "told as", "images"].map((name) =>
      element("th", { scope: "col" }, name)));
    const most = pairs.length > PAIRS ? ", the " + PAIRS + " most frequent of " + pairs.length : "";
    parts.push(element("div", { className: "scroll", tabIndex: 0, role: "region",
      "aria-label": "Confused classes" }, element("table", {},
      element("caption", {}, "Confused classes" + most),
      element("thead", {}, head), element("tbody", {}, ...rows))));
  }
  return [...parts, behind];
}

function button(cell, model, open) {
  const made = element("button", { type: "button", "aria-label": model.classes[cell[0]] + " told as "
    + model.classes[cell[1]] + ": " + count(cell[2], "image", "images") }, String(cell[2]));
  made.addEventListener("click", () => open(cell));
  return made;
}

function matrix(model, cells, open) {
  const sums = model.classes.map((_, truth) => model.cells.filter((cell) => cell[0] === truth)
    .reduce((sum, cell) => sum + cell[2], 0));
  const head = element("tr", {}, element("th", { scope: "col" }, "is \\ told as"),
    ...model.classes.map((name) => element("th", { scope: "col" }, name)));
  const rows = model.classes.map((name, truth) => element("tr", {},
    element("th", { scope: "row" }, name), ...model.classes.map((_, said) => {
      const cell = cells.get(truth + " " + said);
      const made = element("td", {}, cell ? button(cell, model, open) : "0");
      const share = cell ? cell[2] / sums[truth] : 0;
      made.style.backgroundColor = truth === said
        ? "rgba(91, 141, 184, " + 0.7 * share + ")" : "rgba(232, 80, 30, " + Math.sqrt(share) + ")";
      return made;
    })));
  return element("div", { className: "scroll confusion", tabIndex: 0, role: "region",
    "aria-label": "Confusion matrix" }, element("table", {},
    element("caption", {}, "rows: what images are; columns: what they are told as; a number shows its images"),
    element("thead", {}, head), element("tbody", {}, ...rows)));
}

function heat(model, cells, open) {
  const side = model.classes.length;
  const canvas = element("canvas", { className: "heat", width: side, height: side, role: "img",
    "aria-label": "Confusion matrix as a picture; the table after it holds its numbers" });
  const pen = canvas.getContext("2d");
  const sums = new Array(side).fill(0);
  for (const [truth, , images] of model.cells) sums[truth] += images;
  for (const [truth, said, images] of model.cells) {
    const share = images / sums[truth];
    pen.fillStyle = truth === said ? "rgba(91, 141, 184, " + share + ")"
      : "rgba(232, 80, 30, " + (0.3 + 0.7 * Math.sqrt(share)) + ")";
    pen.fillRect(said, truth, 1, 1);
  }
  const at = (event) => cells.get(Math.floor((event.offsetY / canvas.clientHeight) * side) + " "
    + Math.floor((event.offsetX / canvas.clientWidth) * side));
  canvas.addEventListener("mousemove", (event) => {
    const cell = at(event);
    canvas.title = cell
      ? model.classes[cell[0]] + " told as " + model.classes[cell[1]] + ": " + cell[2] : "";
  });
  canvas.addEventListener("click", (event) => {
    if (at(event)) open(at(event));
  });
  return canvas;
}
