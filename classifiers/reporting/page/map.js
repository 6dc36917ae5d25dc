const FEW = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999933", "#882255"];
const RIGHT = "#5b8db8", WRONG = "#e8501e", UNKNOWN = "#9a9aa5";
const NEAR = 14; // pixels around the pointer
const map = { points: [], shown: [], selected: new Set(), scale: 1, x: 0, y: 0, at: -1, wide: 1, high: 1 };

function colourOf(number, many) {
  if (many <= FEW.length) return FEW[number];
  return "hsl(" + ((number * 137.508) % 360).toFixed(1) + " 65% " + (number % 2 ? 45 : 60) + "%)";
}

// What a point's colour says: its name and colour, and whether it is drawn above others.
function meaning(image) {
  const by = byId("colour").value;
  if (by === "label") {
    const number = data.label[image];
    return number < 0 ? ["no label", UNKNOWN] : [labelOf(image), colourOf(number, data.labels.length)];
  }
  if (by === "split") return [splitOf(image), colourOf(data.split[image], data.splits.length)];
  const told = toldBy(data.models[Number(by)], image);
  if (told === null || told.right === null) return ["not known", UNKNOWN];
  return told.right ? ["right", RIGHT] : ["wrong", WRONG];
}

function options(select, choices) {
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
}

function filtered() {
  const [label, split] = [byId("by-label").value, byId("by-split").value];
  const [told, name] = [byId("by-told").value, byId("by-name").value.toLowerCase()];
  return map.points.filter((image) => {
    if (label !== "" && data.label[image] !== Number(label)) return false;
    if (split !== "" && data.split[image] !== Number(split)) return false;
    if (name !== "" && !data.ids[image].toLowerCase().includes(name)) return false;
    if (told === "") return true;
    const [how, number] = told.split(" ");
    const said = toldBy(data.models[Number(number)], image);
    return said !== null && said.right === (how === "right");
  });
}

function update() {
  map.shown = filtered();
  byId("map-count").textContent = count(map.shown.length, "image", "images") + " of "
    + map.points.length.toLocaleString("en") + " on the map";
  const seen = new Map();
  for (const image of map.shown) {
    const [name, colour] = meaning(image);
    const entry = seen.get(name) || { colour, images: 0 };
    entry.images += 1;
    seen.set(name, entry);
  }
  byId("legend").replaceChildren(...[...seen].sort((a, b) => b[1].images - a[1].images)
    .map(([name, entry]) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.backgroundColor = entry.colour;
      return element("li", {}, swatch, name + " (" + entry.images.toLocaleString("en") + ")");
    }));
  const kept = new Set(map.shown);
  select([...map.selected].filter((image) => kept.has(image)));
}

function select(images) {
  map.selected = new Set(images);
  byId("selected-title").textContent = "Selected: " + count(images.length, "image", "images");
  gallery(byId("selected"), [...images].sort((a, b) => a - b));
  draw();
}

function placed(image) {
  const canvas = byId("canvas");
  const side = 0.94 * Math.min(canvas.clientWidth / map.wide, canvas.clientHeight / map.high);
  return [
    canvas.clientWidth / 2 + ((data.x[image] - 0.5) * side + map.x) * map.scale,
    canvas.clientHeight / 2 + ((data.y[image] - 0.5) * side + map.y) * map.scale,
  ];
}

function draw() {
  const canvas = byId("canvas"), ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const radius = Math.min(9, (map.points.length > 3000 ? 2 : 3.5) * Math.sqrt(map.scale));
  const layers = [[], []];
  for (const image of map.shown) layers[meaning(image)[1] === WRONG ? 1 : 0].push(image);
  const ink = getComputedStyle(document.body).color;
  for (const image of layers.flat()) {
    const [x, y] = placed(image);
    pen.fillStyle = meaning(image)[1];
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
    if (map.selected.has(image) || image === map.at) {
      pen.lineWidth = image === map.at ? 3 : 1.5;
      pen.strokeStyle = ink;
      pen.stroke();
    }
  }
  if (map.lasso) {
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    map.lasso.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.stroke();
  }
}

function nearest(x, y) {
  let found = -1, best = NEAR * NEAR;
  for (const image of map.shown) {
    const [px, py] = placed(image);
    const far = (px - x) ** 2 + (py - y) ** 2;
    if (far < best) [found, best] = [image, far];
  }
  return found;
}

function point(image) {
  if (image === map.at) return;
  map.at = image;
  const hover = byId("hover");
  hover.hidden = image < 0;
  if (image >= 0) {
    const lines = data.models.map((model) => [model, toldBy(model, image)])
      .filter(([, told]) => told !== null).map(([model, told]) => element("p",
        { className: told.right === false ? "is-wrong" : "" },
        called(model) + ": " + told.name + " " + sure(model, told.sureness)));
    hover.replaceChildren(picture(image), element("p", {}, data.ids[image]),
      element("p", {}, labelOf(image) + ", " + splitOf(image)), ...lines);
    const canvas = byId("canvas"), [x, y] = placed(image);
    const left = x > canvas.clientWidth / 2 ? x - hover.offsetWidth - 16 : x + 16;
    const top = Math.max(4, Math.min(y - 40, canvas.clientHeight - hover.offsetHeight - 4));
    hover.style.transform = "translate(" + left + "px, " + top + "px)";
  }
  draw();
}

// Whether a point lies in a polygon: a ray from it crosses the border an odd number of times.
function inside(x, y, border) {
  let odd = false;
  for (let k = 0, last = border.length - 1; k < border.length; last = k++) {
    const [x1, y1] = border[k], [x2, y2] = border[last];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}

function zoom(factor, x, y) {
  const canvas = byId("canvas");
  const next = Math.min(60, Math.max(0.5, map.scale * factor));
  const [dx, dy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
  map.x += dx / next - dx / map.scale;
  map.y += dy / next - dy / map.scale;
  map.scale = next;
  draw();
}

function showAll() {
  [map.scale, map.x, map.y] = [1, 0, 0];
  draw();
}
