const SIZE = 260, EDGE = 42;

function drawn(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function across(value, range) {
  return EDGE + ((value - range[0]) / (range[1] - range[0] || 1)) * (SIZE - EDGE - 10);
}

function up(value) {
  return SIZE - EDGE - value * (SIZE - EDGE - 10);
}

// A square chart with shares upwards; `marks` draws into it.
function chart(title, said, xName, yName, range, marks, names, shares = true) {
  const svg = drawn("svg", { viewBox: "0 0 " + SIZE + " " + SIZE, role: "img", "aria-label": said });
  svg.append(drawn("path", { class: "axis",
    d: "M" + EDGE + " 10V" + (SIZE - EDGE) + "H" + (SIZE - 10) }));
  for (const k of [0, 0.5, 1]) {
    const value = range[0] + k * (range[1] - range[0]);
    svg.append(drawn("text", { x: across(value, range), y: SIZE - EDGE + 13, "text-anchor": "middle" },
      String(Number(value.toPrecision(3)))));
    if (shares) {
      svg.append(drawn("text", { x: EDGE - 4, y: up(k) + 4, "text-anchor": "end" }, String(k)));
    }
  }
  svg.append(drawn("text", { x: SIZE / 2, y: SIZE - 5, "text-anchor": "middle" }, xName));
  svg.append(drawn("text", { x: 12, y: SIZE / 2, "text-anchor": "middle",
    transform: "rotate(-90 12 " + SIZE / 2 + ")" }, yName));
  svg.append(...marks);
  const legend = element("ul", { className: "gallery faint" }, ...names.map(([text, colour]) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.backgroundColor = colour;
    return element("li", {}, swatch, text);
  }));
  return element("figure", {}, element("figcaption", {}, title), svg, legend);
}

function line(xs, ys, colour, range, dashed) {
  const points = xs.map((x, k) => [x, ys[k]]).filter(([x, y]) => x !== null && y !== null);
  return drawn("polyline", { fill: "none", stroke: colour, "stroke-width": 1.8,
    "stroke-dasharray": dashed ? "4 4" : "none",
    points: points.map(([x, y]) => across(x, range).toFixed(1) + "," + up(y).toFixed(1)).join(" ") });
}

const ONE = [0, 1];

function curveCharts(curves) {
  if (!curves.length) return [];
  const colour = (k) => FEW[k % FEW.length];
  const names = curves.map((curve, k) => [curve.name + ": " + curve.area.toFixed(4), colour(k)]);
  const said = "areas under the ROC curve: " + names.map(([text]) => text).join(", ");
  return [
    chart("ROC", said, "false positives", "recall", ONE, [line([0, 1], [0, 1], UNKNOWN, ONE, true),
      ...curves.map((curve, k) => line(curve.false, curve.recall, colour(k), ONE))], names),
    chart("Precision and recall", "precision by recall", "recall", "precision", ONE,
      curves.map((curve, k) => line(curve.recall, curve.precision, colour(k), ONE)),
      curves.map((curve, k) => [curve.name, colour(k)])),
  ];
}

function reliabilityChart(of) {
  const rows = of.said.map((value, k) => [value, of.right[k], of.images[k]])
    .filter(([value]) => value !== null);
  const said = rows.map(([p, right, images]) => "of " + count(images, "image", "images") + " told with "
    + p.toFixed(2) + ", " + right.toFixed(2) + " are right").join("; ");
  const dots = rows.map(([p, right]) =>
    drawn("circle", { cx: across(p, ONE), cy: up(right), r: 3, fill: FEW[0] }));
  return chart("Reliability", said, "probability said", "share that is right", ONE,
    [line([0, 1], [0, 1], UNKNOWN, ONE, true),
      line(rows.map((row) => row[0]), rows.map((row) => row[1]), FEW[0], ONE), ...dots], []);
}

function scoresChart(of) {
  const range = [of.edges[0], of.edges[of.edges.length - 1]];
  const tallest = Math.log1p(Math.max(1, ...of.right, ...of.wrong));
  const bars = [];
  for (const [counts, colour, shift] of [[of.right, RIGHT, 0], [of.wrong, WRONG, 0.5]]) {
    counts.forEach((images, k) => {
      const [left, end] = [across(of.edges[k], range), across(of.edges[k + 1], range)];
      const top = up(Math.log1p(images) / tallest), width = (end - left) / 2;
      bars.push(drawn("rect", { x: left + shift * (end - left), y: top, width, fill: colour,
        height: Math.max(0, SIZE - EDGE - top) }));
    });
  }
  const total = (counts) => counts.reduce((sum, each) => sum + each, 0);
  const names = [["right: " + total(of.right), RIGHT], ["wrong: " + total(of.wrong), WRONG]];
  return chart("How sure it is", names.map(([text]) => text).join(", "),
    of.probability ? "probability of the class said" : "score", "images (logarithmic)", range, bars, names, false);
}
