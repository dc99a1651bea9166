// A layer's order: its curve with a cut to drag, gauges, and every unit's map in the order in which it was picked.
const LEFT = 46, RIGHT = 12;
const GREY = "#888888", VERMILLION = "#D55E00"; // what is not CMI; accuracy right after cutting
const CMI = { top: 22, height: 140 }, JOINT = { top: 194, height: 56 }, RATIOS = { top: 282, height: 56 };
const ACCURACY = { top: 370, height: 84 };
const BOTTOM = ACCURACY.top + ACCURACY.height, HEIGHT = BOTTOM + 40;

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".view");
  const state = root.held && root.held.name === data.name ? root.held : { name: data.name, cut: data.kept, image: 0 };
  root.held = state;
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
  const pixels = data.pictures && { images: decoded(data.pictures.images), maps: decoded(data.pictures.maps) };
  root.style.setProperty("--cmi", data.colour);
  const chart = draw(parts.chart, data, (cut) => move(cut));
  const tiles = fillTiles(parts.tiles, data);

  function move(cut) {
    state.cut = Math.max(1, Math.min(data.order.length, Math.round(cut)));
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(show);
  }

  function show() {
    chart.place(state.cut, words(data, state.cut));
    parts.said.innerHTML = sentence(data, state.cut);
    gauges(parts.gauges, data, state.cut);
    tiles.forEach((tile, place) => tile.classList.toggle("gone", place >= state.cut));
    parts.own.disabled = state.cut === data.kept;
  }

  function paint() {
    if (!pixels) return;
    [...parts.images.children].forEach((button, place) => {
      button.setAttribute("aria-pressed", String(place === state.image));
    });
    tiles.forEach((tile, place) => {
      picture(tile.querySelector("canvas"), pixels.maps, state.image, data.order[place]);
    });
  }

  parts.own.onclick = () => move(data.kept);
  fillImages(parts.images, data, pixels, (chosen) => { state.image = chosen; paint(); });
  const watcher = new ResizeObserver(() => { chart.resize(); show(); });
  watcher.observe(parts.chart);
  chart.resize();
  show();
  paint();
  return () => watcher.disconnect();
}

const fixed = (value, places) => value.toFixed(places);
const bits = (value) => (value === 0 || value >= 0.01 ? fixed(value, value < 1 ? 3 : 2) : value.toPrecision(2));

function reached(data, cut) {
  const exact = data.sensitivity.find(([kept]) => kept === cut);
  if (exact) return `${fixed(100 * exact[1], 1)}% of the training images kept apart are classified correctly`;
  const around = [
    data.sensitivity.filter(([kept]) => kept < cut).at(-1), data.sensitivity.find(([kept]) => kept > cut),
  ].filter(Boolean);
  const named = around.map(([kept, accuracy]) => `${fixed(100 * accuracy, 1)}% with ${kept}`).join(", ");
  return named ? `measured nearby: ${named}` : "its accuracy was not measured";
}

function words(data, cut) {
  const own = cut === data.kept ? ", its own cut" : "";
  return `${cut} of ${plural(data.order.length, "unit")} kept${own}; the rest tells ${bits(Math.max(0, data.cmi[cut]))} bits; ` +
    reached(data, cut);
}

function sentence(data, cut) {
  const ratio = data.ratios[cut];
  const bend = ratio == null ? "" : ` The last drop is ${ratio >= 100 ? ">100" : fixed(ratio, 1)} times the next.`;
  const own = cut === data.kept ? " <b>Its own cut.</b>" : "";
  return `<b>${cut} of ${data.order.length}</b> units kept; the rest still tells <b>${bits(Math.max(0, data.cmi[cut]))} bits</b> ` +
    `of the labels.${bend} Cutting here, ${reached(data, cut)}.${own}`;
}

function gauges(place, data, cut) {
  const joint = data.joint[cut], full = joint >= data.saturated;
  const share = (value, most) => `${Math.max(0, Math.min(100, (100 * value) / most))}%`;
  const held = place.querySelector(".held"), told = place.querySelector(".told");
  held.classList.toggle("full", full);
  held.querySelector(".fill").style.width = share(joint, data.most);
  held.querySelector(".figure").textContent =
    `${bits(joint)} of ${fixed(data.most, 2)} bits${full ? " ⚠ saturated: candidates look alike" : ""}`;
  const known = data.mutual[cut];
  told.querySelector(".fill").style.width = share(known, data.whole);
  told.querySelector(".mark").style.left = share(data.chance ?? 0, data.whole);
  told.querySelector(".mark").hidden = data.chance === null;
  told.querySelector(".figure").textContent = `${bits(known)} bits` +
    (data.chance === null ? "" : ` (whole layer ${bits(data.mutual.at(-1))}; shuffled labels ${bits(data.chance)})`);
}

// Draws everything but the cut; returns how to place the cut and how to draw anew at another width.
function draw(host, data, onMove) {
  host.replaceChildren();
  const svg = make(host, "svg", { role: "group", "aria-label": `What the units of ${data.layer} tell, pick by pick` });
  const units = data.order.length;
  let width = 600, held = false, handle = null;
  const x = (kept) => LEFT + ((width - LEFT - RIGHT) * kept) / units;

  function resize() {
    width = Math.max(280, host.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.setAttribute("height", HEIGHT);
    drawCmi(svg, data, x, width);
    drawJoint(svg, data, x, width);
    drawRatios(svg, data, x, width);
    drawAccuracy(svg, data, x, width);
    drawTicks(svg, units, x, width);
    handle = make(svg, "g", {
      class: "handle", tabindex: 0, role: "slider", "aria-label": "Units kept", "aria-valuemin": 1, "aria-valuemax": units,
    });
    make(handle, "line", { y1: CMI.top, y2: BOTTOM });
    make(handle, "circle", { r: 9, cy: CMI.top + CMI.height / 2 });
    handle.onkeydown = (event) => press(event, onMove, Number(handle.getAttribute("aria-valuenow")), units, 10);
  }

  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return (((event.clientX - box.left) * width) / box.width - LEFT) / ((width - LEFT - RIGHT) / units);
  };
  svg.onpointerdown = (event) => { held = true; svg.setPointerCapture(event.pointerId); onMove(at(event)); };
  svg.onpointermove = (event) => { if (held) onMove(at(event)); };
  svg.onpointerup = svg.onpointercancel = () => { held = false; };

  function place(cut, said) {
    handle.querySelector("line").setAttribute("x1", x(cut));
    handle.querySelector("line").setAttribute("x2", x(cut));
    handle.querySelector("circle").setAttribute("cx", x(cut));
    handle.setAttribute("aria-valuenow", cut);
    handle.setAttribute("aria-valuetext", said);
  }
  return { place, resize };
}

function frame(svg, panel, width, title, ticks, y) {
  make(svg, "text", { x: width - RIGHT, y: panel.top - 7, "text-anchor": "end", class: "soft" }, title);
  for (const [value, label] of ticks) {
    make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: "grid" });
    make(svg, "text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end", class: "soft" }, label);
  }
}

function line(svg, points, colour, more = {}) {
  make(svg, "path", { d: path(points), fill: "none", stroke: colour, "stroke-width": 2.5, ...more });
}

// Round steps that divide a range into two to five.
function steps(most) {
  const scale = 10 ** Math.floor(Math.log10(most)), step = [0.2, 0.5, 1, 2].map((m) => m * scale).find((m) => most / m <= 5);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, place) => place * step);
}

function drawCmi(svg, data, x, width) {
  const top = Math.max(...data.cmi) || 1, y = (value) => CMI.top + CMI.height * (1 - value / top);
  frame(svg, CMI, width, "CMI: what the rest still tells of the labels, bits", steps(top).map((v) => [v, v < 0.01 ? `${Number(v.toPrecision(2))}` : fixed(v, top < 0.2 ? 3 : top < 2 ? 2 : 1)]), y);
  line(svg, data.cmi.map((v, k) => [x(k), y(v)]), data.colour);
  if (data.cmi.length < 40) data.cmi.forEach((v, k) => make(svg, "circle", { cx: x(k), cy: y(v), r: 3, fill: data.colour }));
}

function drawJoint(svg, data, x, width) {
  const y = (value) => JOINT.top + JOINT.height * (1 - value / data.most);
  frame(svg, JOINT, width, "joint entropy, bits", [[0, "0"], [data.most, fixed(data.most, 1)]], y);
  line(svg, data.joint.map((v, k) => [x(k), y(v)]), GREY);
}

function drawRatios(svg, data, x, width) {
  const panel = RATIOS, known = data.ratios.filter((r) => r !== null && r !== undefined);
  const most = Math.log10(Math.max(10, ...known));
  const y = (value) => panel.top + panel.height * (1 - Math.max(0, Math.log10(value)) / most);
  frame(svg, panel, width, "each drop as a multiple of the next: Scree takes the largest", [[1, "1"], [10 ** most, `${Math.round(10 ** most)}`]], y);
  data.ratios.forEach((ratio, kept) => {
    if (ratio == null) return;
    const wide = Math.max(2, Math.min(14, (x(1) - x(0)) * 0.6));
    const tried = data.tried.includes(kept);
    make(svg, "rect", { x: x(kept) - wide / 2, width: wide, y: y(ratio), height: Math.max(0.5, panel.top + panel.height - y(ratio)),
      fill: tried ? data.colour : GREY, opacity: tried ? 1 : 0.6 });
  });
}

function drawAccuracy(svg, data, x, width) {
  const panel = ACCURACY, y = (value) => panel.top + panel.height * (1 - value);
  frame(svg, panel, width, "accuracy right after cutting here, on training images kept apart", [[0, "0%"], [0.5, "50%"], [1, "100%"]], y);
  make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(data.dense), y2: y(data.dense), stroke: GREY, "stroke-dasharray": "2 4" });
  line(svg, data.sensitivity.map(([k, v]) => [x(k), y(v)]), VERMILLION, { "stroke-width": 1.5, opacity: 0.6 });
  for (const [kept, accuracy] of data.sensitivity) {
    const tried = data.tried.includes(kept);
    make(svg, tried ? "rect" : "circle", tried
      ? { x: x(kept) - 4, y: y(accuracy) - 4, width: 8, height: 8, fill: VERMILLION, transform: `rotate(45 ${x(kept)} ${y(accuracy)})` }
      : { cx: x(kept), cy: y(accuracy), r: 3.5, fill: VERMILLION });
  }
}

function drawTicks(svg, units, x, width) {
  const room = (width - LEFT - RIGHT) / 40;
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => units / each <= room) ?? units;
  for (let kept = 0; kept <= units; kept += step) {
    make(svg, "text", { x: x(kept), y: BOTTOM + 16, "text-anchor": "middle", class: "soft" }, `${kept}`);
  }
  make(svg, "text", { x: LEFT + (width - LEFT - RIGHT) / 2, y: BOTTOM + 34, "text-anchor": "middle" }, "units kept, in the order of their picks");
}

function decoded(value) {
  const text = atob(value.bytes), bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return { bytes, shape: value.shape };
}

// Paints one map: `held` has images, then units (or colours, where `unit` is null), then rows and columns.
function picture(canvas, held, image, unit) {
  const [, channels, rows, columns] = held.shape, size = rows * columns;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d"), painted = context.createImageData(columns, rows);
  for (let place = 0; place < size; place++) {
    for (let colour = 0; colour < 3; colour++) {
      const channel = unit === null ? (channels === 3 ? colour : 0) : unit;
      painted.data[4 * place + colour] = held.bytes[(image * channels + channel) * size + place];
    }
    painted.data[4 * place + 3] = 255;
  }
  context.putImageData(painted, 0, 0);
}

function fillImages(row, data, pixels, choose) {
  row.replaceChildren();
  if (!pixels) return;
  data.pictures.labels.forEach((label, place) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    button.type = "button";
    button.setAttribute("aria-label", `Show what the units make of an image of class ${label}`);
    picture(canvas, pixels.images, place, null);
    button.append(canvas);
    button.onclick = () => choose(place);
    row.append(button);
  });
}

function fillTiles(list, data) {
  list.replaceChildren();
  if (!data.pictures) return [];
  const neurons = data.pictures.maps.shape[2] * data.pictures.maps.shape[3] === 1;
  list.style.setProperty("--tile", neurons ? "22px" : data.order.length > 64 ? "36px" : "48px");
  return data.order.map((unit, place) => {
    const tile = document.createElement("li"), name = document.createElement("span");
    tile.title = `Unit ${unit}, pick ${place + 1}; after it the rest tells ${bits(Math.max(0, data.cmi[place + 1]))} bits`;
    name.textContent = `${unit}`;
    tile.append(document.createElement("canvas"), name);
    list.append(tile);
    return tile;
  });
}
