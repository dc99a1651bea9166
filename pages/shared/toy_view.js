// The exact toy: how many bits of the data every pruner's masks carry, and the commonest masks as small networks.
const LEFT = 40, RIGHT = 12, TOP = 24, HEIGHT = 300, BOTTOM = TOP + HEIGHT;
const INPUTS = 3, UNITS = 4, PARAMETERS = 21;

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".toy");
  const state = root.held ?? { pruned: data.pruned, name: data.names[0] };
  if (!data.names.includes(state.name)) state.name = data.names[0];
  root.held = state;
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
  const buttons = fillNames(parts.names, data, (name) => { state.name = name; show(); });
  const chart = draw(parts.chart, data, move);

  function move(pruned, height) {
    state.pruned = Math.max(0, Math.min(PARAMETERS, Math.round(pruned)));
    if (height !== undefined) state.name = nearest(data, state.pruned, height);
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(show);
  }

  function show() {
    const { pruned, name } = state;
    parts.said.innerHTML = sentence(data, pruned, name);
    parts.head.innerHTML = heading(data, pruned, name);
    fillMasks(parts.masks, data.commonest[name][pruned]);
    buttons.forEach((button, place) => {
      button.setAttribute("aria-pressed", String(data.names[place] === name));
      button.querySelector(".figure").textContent = fixed(data.mean[data.names[place]][pruned]);
    });
    chart.place(pruned, name, words(data, pruned, name));
  }

  const watcher = new ResizeObserver(() => { chart.resize(); show(); });
  watcher.observe(parts.chart);
  chart.resize();
  show();
  return () => watcher.disconnect();
}

const fixed = (value) => value.toFixed(2);

function nearest(data, pruned, height) {
  const far = (name) => Math.abs(data.mean[name][pruned] - height);
  return data.names.reduce((best, name) => (far(name) < far(best) - 1e-9 ? name : best));
}

function figures(data, pruned, name) {
  const mean = data.mean[name][pruned], left = PARAMETERS - pruned;
  return { mean, spread: data.spread[name][pruned], left, effective: left + mean };
}

function words(data, pruned, name) {
  const { mean, effective } = figures(data, pruned, name);
  return `${plural(pruned, "parameter")} pruned; ${name} ${fixed(mean)} bits; p_eff ${fixed(effective)}`;
}

function sentence(data, pruned, name) {
  const { mean, spread, left, effective } = figures(data, pruned, name);
  const seeds = data.seeds > 1 ? ` ± ${fixed(spread)} over ${plural(data.seeds, "initialisation")}` : " for one initialisation";
  return `With <b>${pruned} of ${PARAMETERS}</b> parameters pruned, masks of <b>${name}</b> carry <b>${fixed(mean)} bits</b>` +
    `${seeds} of the ${fixed(data.ceiling)} bits that say which of the ${data.sets.toLocaleString("en")} data sets it was. ` +
    `p<sub>eff</sub> = ${left} + ${fixed(mean)} = <b>${fixed(effective)}</b>.`;
}

function heading(data, pruned, name) {
  const found = data.commonest[name][pruned];
  if (data.mean[name][pruned] < 1e-9 && found.length === 1) {
    return "<b>One mask for all data sets</b> of an initialisation: it tells nothing of which one it was.";
  }
  return `<b>The commonest masks</b> of the first initialisation, with their share of the data sets. The more masks ` +
    `there are, and the more evenly data sets spread over them, the more bits.`;
}

// Draws everything but the place that is looked at; returns how to move that, and how to draw anew at another width.
function draw(host, data, onMove) {
  host.replaceChildren();
  const svg = make(host, "svg", { class: "chart", role: "group", "aria-label": "Bits in masks by parameters pruned" });
  const most = Math.ceil(data.ceiling + 0.7);
  let width = 600, handle = null, lines = {};
  const x = (pruned) => LEFT + ((width - LEFT - RIGHT) * pruned) / PARAMETERS;
  const y = (bits) => TOP + HEIGHT * (1 - Math.min(bits, most) / most);

  function resize() {
    width = Math.max(280, host.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${BOTTOM + 40}`);
    svg.setAttribute("height", BOTTOM + 40);
    frame(svg, data, x, y, width, most);
    lines = Object.fromEntries(data.names.map((name, place) => [name, curve(svg, data, name, data.colours[place], x, y)]));
    handle = make(svg, "g", {
      class: "handle", tabindex: 0, role: "slider", "aria-label": "Parameters pruned", "aria-valuemin": 0, "aria-valuemax": PARAMETERS,
    });
    make(handle, "line", { y1: TOP, y2: BOTTOM });
    make(handle, "circle", { r: 7 });
    handle.onkeydown = (event) => press(event, onMove, Number(handle.getAttribute("aria-valuenow")), PARAMETERS, 5);
  }

  const at = (event) => {
    const box = svg.getBoundingClientRect(), scale = width / box.width;
    const across = ((event.clientX - box.left) * scale - LEFT) / ((width - LEFT - RIGHT) / PARAMETERS);
    const up = most * (1 - ((event.clientY - box.top) * scale - TOP) / HEIGHT);
    onMove(across, up);
  };
  svg.onpointermove = (event) => { if (event.pointerType === "mouse" || event.buttons) at(event); };
  svg.onpointerdown = (event) => { svg.setPointerCapture(event.pointerId); at(event); };

  function place(pruned, name, said) {
    const dot = handle.querySelector("circle"), line = handle.querySelector("line");
    line.setAttribute("x1", x(pruned));
    line.setAttribute("x2", x(pruned));
    dot.setAttribute("cx", x(pruned));
    dot.setAttribute("cy", y(data.mean[name][pruned]));
    for (const [other, { stroke, band }] of Object.entries(lines)) {
      stroke.setAttribute("stroke-width", other === name ? 4 : 2);
      band.setAttribute("opacity", other === name ? 0.25 : 0.08);
    }
    handle.setAttribute("aria-valuenow", pruned);
    handle.setAttribute("aria-valuetext", said);
  }
  return { place, resize };
}

function frame(svg, data, x, y, width, most) {
  make(svg, "text", { x: LEFT - 30, y: TOP - 8, class: "soft" }, "bits: I(mask; data | initialisation)");
  for (let bits = 0; bits <= most; bits += 2) {
    make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(bits), y2: y(bits), class: "grid" });
    make(svg, "text", { x: LEFT - 6, y: y(bits) + 4, "text-anchor": "end", class: "soft" }, `${bits}`);
  }
  const step = (width - LEFT - RIGHT) / PARAMETERS < 22 ? 3 : 1;
  for (let pruned = 0; pruned <= PARAMETERS; pruned += step) {
    make(svg, "text", { x: x(pruned), y: BOTTOM + 16, "text-anchor": "middle", class: "soft" }, `${pruned}`);
  }
  make(svg, "text", { x: LEFT + (width - LEFT - RIGHT) / 2, y: BOTTOM + 34, "text-anchor": "middle" }, "parameters pruned, of 21");
  const limit = { x1: LEFT, x2: width - RIGHT, y1: y(data.ceiling), y2: y(data.ceiling), stroke: "#888888", "stroke-width": 2, "stroke-dasharray": "6 4" };
  make(svg, "line", limit);
  make(svg, "text", { x: LEFT + 4, y: y(data.ceiling) - 5, class: "soft" },
    `all there is to know: log₂ ${data.sets.toLocaleString("en")} = ${fixed(data.ceiling)}`);
  const bound = data.bound.map((bits, pruned) => [x(pruned), y(bits)]).filter((_, pruned) => data.bound[pruned] <= most);
  for (const half of [bound.filter(([a]) => a < x(10.5)), bound.filter(([a]) => a > x(10.5))]) {
    make(svg, "path", { d: path(half), fill: "none", stroke: "#888888", "stroke-width": 1.5, "stroke-dasharray": "2 4" });
  }
  if (width > 430) {
    make(svg, "text", { x: width - RIGHT, y: y(data.ceiling) - 5, "text-anchor": "end", class: "soft" }, "dotted: log₂ of all masks");
  }
}

function curve(svg, data, name, colour, x, y) {
  const mean = data.mean[name], spread = data.spread[name];
  const up = mean.map((bits, pruned) => [x(pruned), y(Math.min(data.ceiling, bits + spread[pruned]))]);
  const down = mean.map((bits, pruned) => [x(pruned), y(Math.max(0, bits - spread[pruned]))]).reverse();
  const band = make(svg, "path", { d: `${path([...up, ...down])}Z`, fill: colour, opacity: 0.1 });
  const stroke = make(svg, "path", { d: path(mean.map((bits, pruned) => [x(pruned), y(bits)])), fill: "none", stroke: colour, "stroke-width": 2 });
  return { stroke, band };
}

function fillNames(host, data, choose) {
  host.replaceChildren();
  return data.names.map((name, place) => {
    const button = document.createElement("button"), swatch = document.createElement("span"), figure = document.createElement("span");
    button.type = "button";
    swatch.className = "swatch";
    swatch.style.background = data.colours[place];
    figure.className = "figure";
    button.append(swatch, name, figure);
    button.onclick = () => choose(name);
    host.append(button);
    return button;
  });
}

function fillMasks(list, found) {
  list.replaceChildren(...found.map(([mask, share]) => {
    const item = document.createElement("li"), said = document.createElement("div");
    item.append(network(mask), said);
    said.textContent = share >= 0.9995 ? "every data set" : `${(100 * share).toFixed(share < 0.01 ? 2 : 1)}% of the data sets`;
    return item;
  }));
}

// Draws one mask: 3 inputs, 4 hidden units, 1 output; a filled unit has its bias.
function network(mask) {
  const kept = [...mask].map((each) => each === "1");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 92");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${kept.filter(Boolean).length} of ${PARAMETERS} parameters kept`);
  const input = (place) => [12, 22 + 24 * place], hidden = (unit) => [60, 10 + 24 * unit], output = [108, 46];
  const edge = (from, to, stays) => make(svg, "line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: stays ? "held" : "gone" });
  const edges = [];
  for (let unit = 0; unit < UNITS; unit++) {
    for (let place = 0; place < INPUTS; place++) edges.push([input(place), hidden(unit), kept[unit * INPUTS + place]]);
    edges.push([hidden(unit), output, kept[UNITS * INPUTS + UNITS + unit]]);
  }
  edges.sort((a, b) => a[2] - b[2]).forEach((each) => edge(...each));
  for (let place = 0; place < INPUTS; place++) make(svg, "circle", { cx: input(place)[0], cy: input(place)[1], r: 4, class: "node" });
  for (let unit = 0; unit < UNITS; unit++) {
    make(svg, "circle", { cx: hidden(unit)[0], cy: hidden(unit)[1], r: 5.5, class: kept[UNITS * INPUTS + unit] ? "bias" : "node" });
  }
  make(svg, "circle", { cx: output[0], cy: output[1], r: 5.5, class: kept[PARAMETERS - 1] ? "bias" : "node" });
  return svg;
}
