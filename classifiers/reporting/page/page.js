"use strict";
// Everything from the table is put in as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
let pictures = null;

function pictureOf(image) {
  if (pictures === null) pictures = JSON.parse(document.getElementById("pictures").textContent);
  return pictures[image] ? "data:image/webp;base64," + pictures[image] : null;
}

function byId(id) {
  return document.getElementById(id);
}

function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key in made && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function labelOf(image) {
  return data.label[image] < 0 ? "no label" : data.labels[data.label[image]];
}

function splitOf(image) {
  return data.splits[data.split[image]];
}

// What a model says of an image: null where it was not asked.
function toldBy(model, image) {
  const said = model.predicted[image];
  if (said < 0) return null;
  const name = model.classes[said];
  const known = data.label[image] >= 0 && model.classes.includes(labelOf(image));
  return { name, right: known ? name === labelOf(image) : null, sureness: model.sureness[image] };
}

// What to call a model in few letters: its head, unless two models have the same.
function called(model) {
  const alike = data.models.filter((each) => each.head === model.head);
  return alike.length > 1 ? model.name : model.head;
}

function sure(model, value) {
  if (value === null) return "";
  return model.probabilities ? (100 * value).toFixed(1) + " %" : "score " + value.toFixed(3);
}

function count(number, one, many) {
  return number.toLocaleString("en") + " " + (number === 1 ? one : many);
}

function isNumber(text) {
  return /^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?$/.test(text) || text === "–" || text === "";
}

// Rows of text as a table; a column is of numbers when all of its cells are.
function tableOf(rows, header, caption) {
  const numeric = (rows[0] || []).map((_, k) => rows.every((row) => isNumber(String(row[k]))));
  const head = element("thead", {}, element("tr", {}, ...(header || []).map((name, k) =>
    element("th", { scope: "col", className: numeric[k] ? "number" : "" }, name))));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {},
    ...row.map((cell, k) => k === 0
      ? element("th", { scope: "row" }, String(cell))
      : element("td", { className: numeric[k] ? "number" : "" }, String(cell))))));
  return element("table", {}, caption ? element("caption", {}, caption) : null,
    header && header.length ? head : null, body);
}

function partsOf(parts, label) {
  return parts.map((part) => typeof part === "string"
    ? element("pre", {}, part)
    : element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label },
      tableOf(part.rows, part.header)));
}
