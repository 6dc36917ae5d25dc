function listen() {
  const canvas = byId("canvas");
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    point(-1);
    if (event.shiftKey || byId("lasso").checked) map.lasso = [[event.offsetX, event.offsetY]];
    else from = [event.offsetX, event.offsetY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (map.lasso) {
      map.lasso.push([event.offsetX, event.offsetY]);
      draw();
    } else if (from) {
      map.x += (event.offsetX - from[0]) / map.scale;
      map.y += (event.offsetY - from[1]) / map.scale;
      from = [event.offsetX, event.offsetY];
      draw();
    } else point(nearest(event.offsetX, event.offsetY));
  });
  canvas.addEventListener("pointerup", () => {
    const border = map.lasso;
    [map.lasso, from] = [null, null];
    if (border) select(map.shown.filter((image) => inside(...placed(image), border)));
  });
  canvas.addEventListener("pointerleave", () => point(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", pressed);
  window.addEventListener("resize", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  for (const id of ["colour", "by-label", "by-split", "by-told"]) {
    byId(id).addEventListener("change", update);
  }
  byId("by-name").addEventListener("input", update);
  byId("fit").addEventListener("click", showAll);
  byId("map-controls").addEventListener("submit", (event) => event.preventDefault());
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const canvas = byId("canvas"), step = 60 / map.scale;
  const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  const does = {
    "+": () => zoom(1.3, x, y), "=": () => zoom(1.3, x, y), "-": () => zoom(1 / 1.3, x, y),
    0: showAll, n: () => go(1), p: () => go(-1), Escape: () => select([]),
    a: () => select(map.shown.filter(inView)),
    Enter: () => { if (map.at >= 0) select([...new Set([...map.selected, map.at])]); },
  };
  if (moves[event.key]) {
    map.x += moves[event.key][0];
    map.y += moves[event.key][1];
    draw();
  } else if (does[event.key]) does[event.key]();
  else return;
  event.preventDefault();
}

function inView(image) {
  const canvas = byId("canvas"), [x, y] = placed(image);
  return x >= 0 && y >= 0 && x <= canvas.clientWidth && y <= canvas.clientHeight;
}

// To the next image in view, from left to right, which is also said.
function go(by) {
  const across = map.shown.filter(inView).sort((a, b) => data.x[a] - data.x[b]);
  if (!across.length) return;
  const now = across.indexOf(map.at);
  const next = now < 0 ? (by > 0 ? 0 : across.length - 1) : (now + by + across.length) % across.length;
  point(across[next]);
  byId("map-said").textContent = [...byId("hover").querySelectorAll("p")]
    .map((line) => line.textContent).join(", ");
}

function showMap() {
  map.points = data.ids.map((_, image) => image).filter((image) => data.x[image] !== null);
  if (!map.points.length) {
    byId("map-controls").hidden = true;
    byId("map-count").textContent = "No image has features that can be mapped.";
    return;
  }
  const numbered = (names) => names.map((name, number) => [String(number), name]);
  options(byId("by-label"), [["", "any"], ...numbered(data.labels),
    ...(data.label.some((each) => each < 0) ? [["-1", "no label"]] : [])]);
  options(byId("by-split"), [["", "any"], ...numbered(data.splits)]);
  options(byId("colour"), [["label", "label"], ["split", "split"],
    ...data.models.map((model, k) => [String(k), "mistakes of " + model.name])]);
  options(byId("by-told"), [["", "any"], ...data.models.flatMap((model, k) =>
    ["wrong", "right"].map((how) => [how + " " + k, how + " by " + model.name]))]);
  const span = (of) => Math.max(0.1, 2 * Math.max(...map.points.map((k) => Math.abs(of[k] - 0.5))));
  [map.wide, map.high] = [span(data.x), span(data.y)];
  listen();
  update();
}
