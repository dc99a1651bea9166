// What a network can do with the chosen pixels alone, by how many they are; a line follows the level of the maps.
const LEFT = 46, RIGHT = 10, TOP = 26, HEIGHT = 250, BOTTOM = TOP + HEIGHT;
const RATES = [0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1];
const NEAR = 22, FEW = 6; // pixels between two lines of the grid; levels up to which series stand beside each other
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 784, 1000, 2000, 5000];

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".curves");
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
  const state = root.held?.name === data.name ? root.held : { name: data.name, place: data.place };
  root.held = state;
  parts.panels.style.setProperty("--panels", data.panels.length);
  parts.panels.replaceChildren();
  const charts = data.panels.map((panel, number) => draw(parts.panels, data, panel, number, ask));

  function ask(place, release) {
    const wanted = Math.max(0, Math.min(data.levels.length - 1, Math.round(place)));
    window.dispatchEvent(new CustomEvent("mipp-level-asked", { detail: { name: data.name, place: wanted, release } }));
  }

  function show() {
    charts.forEach((chart) => chart.place(state.place));
    fillTable(parts.table, data, state.place);
  }

  const told = (event) => { if (event.detail.name === data.name) { state.place = event.detail.place; show(); } };
  window.addEventListener("mipp-level", told);
  const watcher = new ResizeObserver(() => { charts.forEach((chart) => chart.resize()); show(); });
  watcher.observe(parts.panels);
  charts.forEach((chart) => chart.resize());
  show();
  return () => { watcher.disconnect(); window.removeEventListener("mipp-level", told); };
}

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const spread = (values) => Math.sqrt(mean(values.map((each) => (each - mean(values)) ** 2)));
const tidy = (value) => `${Number((100 * value).toPrecision(2))}%`;

// The accuracies that a panel has of somebody's pixels at one of its levels, one for each draw or seed.
const column = (panel, name, at) => panel.rows[name].map((row) => row[at]);

function ranges(data, panel) {
  const wrong = Object.values(panel.rows).flat(2).concat(panel.whole).map((accuracy) => Math.max(1 - accuracy, 0.5 / panel.images));
  const counts = panel.places.map((place) => data.counts[place]).filter((count) => count > 0);
  return { low: Math.min(...wrong) / 1.2, high: Math.min(1, Math.max(...wrong) * 1.15), few: Math.min(...counts), many: Math.max(...counts) };
}

function draw(host, data, panel, number, ask) {
  const section = document.createElement("section"), title = document.createElement("h3");
  title.textContent = panel.title;
  section.append(title);
  host.append(section);
  const svg = make(section, "svg", { class: "chart", role: "group", "aria-label": panel.title });
  const { low, high, few, many } = ranges(data, panel), wide = Math.log(Math.max(many / few, 1.01));
  let width = 500, handle = null;
  const x = (count) => LEFT + 14 + ((width - LEFT - RIGHT - 28) * Math.log(many / Math.max(few, Math.min(many, count)))) / wide;
  const y = (accuracy) => TOP + (HEIGHT * Math.log(high / Math.max(low, Math.min(high, 1 - accuracy)))) / Math.log(high / low);

  function resize() {
    width = Math.max(280, section.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${BOTTOM + 40}`);
    svg.setAttribute("height", BOTTOM + 40);
    frame(svg, panel, x, y, width, { low, high, few, many });
    data.names.forEach((name, place) => series(svg, data, panel, name, place, x, y));
    handle = make(svg, "g", {
      class: "handle", tabindex: 0, role: "slider", "aria-label": `Level, ${panel.title}`, "aria-valuemin": 0, "aria-valuemax": data.levels.length - 1,
    });
    make(handle, "line", { y1: TOP, y2: BOTTOM });
    make(handle, "circle", { r: 7, cy: BOTTOM });
    handle.onkeydown = (event) => press(event, (place) => ask(place, true), Number(handle.getAttribute("aria-valuenow")), data.levels.length - 1, 5);
  }

  const nearest = (event) => {
    const box = svg.getBoundingClientRect(), at = ((event.clientX - box.left) * width) / box.width;
    const far = (place) => Math.abs(x(data.counts[place]) - at);
    return data.counts.reduce((best, _, place) => (far(place) < far(best) - 1e-9 ? place : best), 0);
  };
  svg.onpointerdown = (event) => { svg.setPointerCapture(event.pointerId); ask(nearest(event), false); };
  svg.onpointermove = (event) => { if (event.buttons) ask(nearest(event), false); };
  svg.onpointerup = (event) => ask(nearest(event), true);

  function place(now) {
    const at = x(data.counts[now]);
    handle.querySelector("line").setAttribute("x1", at);
    handle.querySelector("line").setAttribute("x2", at);
    handle.querySelector("circle").setAttribute("cx", at);
    handle.setAttribute("aria-valuenow", now);
    handle.setAttribute("aria-valuetext", `Level ${data.levels[now]}: ${plural(data.counts[now], "pixel")}`);
  }
  return { place, resize };
}

function frame(svg, panel, x, y, width, { low, high, few, many }) {
  make(svg, "text", { x: LEFT - 38, y: TOP - 10, class: "soft" }, `wrong, of ${panel.images.toLocaleString("en")} test images`);
  let above = BOTTOM + NEAR;
  for (const rate of RATES.filter((each) => each >= low && each <= high)) {
    if (above - y(1 - rate) < NEAR) continue;
    above = y(1 - rate);
    make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(1 - rate), y2: y(1 - rate), class: "grid" });
    make(svg, "text", { x: LEFT - 6, y: y(1 - rate) + 4, "text-anchor": "end", class: "soft" }, tidy(rate));
  }
  let last = -100;
  for (const count of COUNTS.filter((each) => each >= few && each <= many).reverse()) {
    if (x(count) - last < 34) continue;
    last = x(count);
    make(svg, "text", { x: last, y: BOTTOM + 20, "text-anchor": "middle", class: "soft" }, `${count}`);
  }
  make(svg, "text", { x: LEFT + (width - LEFT - RIGHT) / 2, y: BOTTOM + 37, "text-anchor": "middle" }, "pixels kept; fewer →");
  const whole = y(mean(panel.whole));
  make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: whole, y2: whole, stroke: "#888888", "stroke-width": 1.5, "stroke-dasharray": "2 4" });
  make(svg, "text", { x: width - RIGHT, y: TOP - 10, "text-anchor": "end", class: "soft" }, `dotted: all pixels, ${tidy(1 - mean(panel.whole))}`);
}

function series(svg, data, panel, name, number, x, y) {
  const ordered = panel.places.map((place, at) => [data.counts[place], column(panel, name, at)]).filter(([count]) => count > 0);
  ordered.sort((a, b) => b[0] - a[0]);
  const beside = ordered.length < FEW ? 4 * (number - (data.names.length - 1) / 2) : 0; // so that spreads can be told apart
  const points = ordered.map(([count, values]) => [x(count) + beside, y(mean(values))]), colour = data.colours[number];
  make(svg, "path", { d: path(points), fill: "none", stroke: colour, "stroke-width": number ? 1.8 : 3 });
  ordered.forEach(([count, values], place) => {
    const off = spread(values), [across, down] = points[place];
    if (off > 0) {
      make(svg, "line", { x1: across, x2: across, y1: y(mean(values) + off), y2: y(mean(values) - off), stroke: colour, "stroke-width": 1.2 });
    }
    mark(svg, number, across, down, colour);
  });
}

// One shape for every ranking, so that colour is never alone.
function mark(svg, number, x, y, colour) {
  const shapes = [
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5", "M-3.5 -3.5H3.5V3.5H-3.5Z",
    "M0 -4.5L4 3.2H-4Z", "M0 -5L5 0L0 5L-5 0Z", "M-4.5 0H4.5M0 -4.5V4.5",
  ];
  const open = number === 1 || number === 5;
  make(svg, "path", { d: shapes[number], transform: `translate(${x} ${y})`, fill: open ? "none" : colour, stroke: colour, "stroke-width": open ? 2 : 0 });
}

const shown = (values) => `${(100 * mean(values)).toFixed(1)}%${values.length > 1 ? ` ± ${(100 * spread(values)).toFixed(1)}` : ""}`;

// A panel that has some levels only says which.
function titled(data, panel) {
  const all = panel.places.length === data.levels.length;
  const named = panel.places.map((place) => data.levels[place]).join(" and ");
  return all ? panel.short : `${panel.short}, at level${panel.places.length > 1 ? "s" : ""} ${named}`;
}

function fillTable(table, data, place) {
  const head = document.createElement("thead"), body = document.createElement("tbody"), titles = head.insertRow();
  for (const words of [`Level ${data.levels[place]}: ${plural(data.counts[place], "pixel")}`, ...data.panels.map((panel) => titled(data, panel))]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = words;
    titles.append(cell);
  }
  const columns = data.panels.map((panel) => {
    const at = panel.places.indexOf(place);
    return at < 0 ? null : Object.fromEntries(data.names.map((name) => [name, column(panel, name, at)]));
  });
  data.names.forEach((name, number) => {
    const row = body.insertRow(), first = document.createElement("th");
    first.scope = "row";
    const swatch = make(first, "svg", { viewBox: "0 0 26 14", "aria-hidden": "true" });
    make(swatch, "line", { x1: 0, x2: 26, y1: 7, y2: 7, stroke: data.colours[number], "stroke-width": number ? 1.8 : 3 });
    mark(swatch, number, 13, 7, data.colours[number]);
    first.append(name);
    row.append(first);
    columns.forEach((found) => {
      const cell = row.insertCell();
      cell.textContent = found ? shown(found[name]) : "–";
      if (found) cell.classList.toggle("best", data.names.every((other) => mean(found[other]) <= mean(found[name])));
    });
  });
  table.replaceChildren(head, body);
}
