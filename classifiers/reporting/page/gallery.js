const AT_ONCE = 48;

function picture(image) {
  const source = pictureOf(image);
  if (source === null) return element("div", { className: "none" }, "no picture");
  return element("img", {
    loading: "lazy", decoding: "async", width: 80, height: 80,
    alt: data.ids[image] + ", " + labelOf(image), src: source,
  });
}

function captioned(image, model) {
  const lines = [
    element("span", {}, data.ids[image]),
    element("span", { className: "faint" }, labelOf(image) + ", " + splitOf(image)),
  ];
  for (const each of model ? [model] : data.models) {
    const told = toldBy(each, image);
    if (told === null) continue;
    lines.push(element("span", { className: told.right === false ? "is-wrong" : "" },
      (told.right === false ? "✗ " : told.right ? "✓ " : "")
      + (model || data.models.length === 1 ? "" : called(each) + ": ") + told.name + " "
      + sure(each, told.sureness)));
  }
  return element("li", {},
    element("figure", {}, picture(image), element("figcaption", {}, ...lines)));
}

// Images side by side, some at a time.
function gallery(place, images, model) {
  const list = element("ul", { className: "gallery" });
  const more = element("button", { type: "button", className: "more" });
  let next = 0;
  function show() {
    list.append(...images.slice(next, next + AT_ONCE).map((image) => captioned(image, model)));
    next = Math.min(images.length, next + AT_ONCE);
    more.hidden = next === images.length;
    more.textContent = "Show more of " + count(images.length, "image", "images");
  }
  more.addEventListener("click", show);
  place.replaceChildren(list, more);
  show();
}

const KINDS = {
  duplicates: "Near duplicates", suspects: "Suspect labels", outliers: "Outliers",
  quality: "Poor pictures",
};

function showFindings() {
  const place = byId("findings-list");
  if (!data.groups.length) {
    byId("findings").hidden = true;
    return;
  }
  for (const [kind, title] of Object.entries(KINDS)) {
    const groups = data.groups.filter((group) => group.kind === kind);
    if (!groups.length) continue;
    const list = element("div", { className: "findings" });
    for (const group of groups) {
      const images = element("div", {});
      gallery(images, group.images);
      list.append(element("div", { className: "finding" }, element("p", {}, group.caption), images));
    }
    place.append(element("h3", {}, title + " (" + groups.length + ")"), list);
  }
}
