// Theorem 1: what is lost of the next layer by units removed, and its activations, true against rebuilt.
const LEFT = 56, RIGHT = 12;
const LOSS = { top: 26, height: 220 }, RIGHT_SHARE = { top: 284, height: 76 };
const BOTTOM = RIGHT_SHARE.top + RIGHT_SHARE.height, HEIGHT = BOTTOM + 40;
const SEEMING = 100; // times what counts as nothing: a larger loss on held-out images shows that equality was none
const DASHES = { MIPP: "none", "ascending MI": "7 4", magnitude: "2 3", random: "9 3 2 3" };

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".theorem");
  const same = root.held && root.held.layer === data.layer;
  const state = same ? root.held : { layer: data.layer, gone: Math.round(data.units / 2) };
  root.held = state;
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
  const codes = bytesOf(data.cloud.bytes);
  const rows = fillOrders(parts.orders, data);
  const chart = drawChart(parts.chart, data, move);
  const cloud = drawCloud(parts.cloud, data, codes);

  function move(gone) {
    state.gone = Math.max(0, Math.min(data.units, Math.round(gone)));
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(show);
  }

  function show() {
    parts.said.innerHTML = sentence(data, state.gone);
    for (const [name, row] of Object.entries(rows)) {
      row.querySelector(".figure").textContent = percent(data.orders[name].held[state.gone], data.free);
    }
    chart.place(state.gone, words(data, state.gone));
    cloud.place(state.gone);
  }

  const watcher = new ResizeObserver(() => { chart.resize(); cloud.resize(); show(); });
  watcher.observe(parts.chart);
  chart.resize();
  cloud.resize();
  show();
  return () => watcher.disconnect();
}

// A share in two digits; what is below what counts as nothing is 0.
function percent(share, free) {
  if (share <= free) return "0%";
  const value = 100 * share;
  return value >= 10 ? `${Math.round(value).toLocaleString("en")}%` : `${Number(value.toPrecision(2))}%`;
}

const right = (share) => `${(100 * share).toFixed(1)}%`;

function words(data, gone) {
  const curve = data.orders[data.order];
  return `${gone} of ${plural(data.units, "unit")} removed; ${percent(curve.held[gone], data.free)} of the variance lost on ` +
    `held-out images; ${right(curve.accuracy[gone])} classified correctly`;
}

function sentence(data, gone) {
  const curve = data.orders[data.order], held = curve.held[gone];
  const lost = percent(held, data.free);
  const still = gone <= curve.free ? equal(data, held) :
    curve.free ? ` A linear rebuild was exact up to ${plural(curve.free, "unit")}.` : " No linear rebuild is exact.";
  const worse = held > 1.05 ? " Predicting its mean would be better." : "";
  return `<b>${gone} of ${data.units}</b> units of ${data.layer} removed in ${curve.words}: of ${data.reader}’s variance on ` +
    `held-out images <b>${lost}</b> is lost (${percent(curve.fitted[gone], data.free)} on the images fitted to), ` +
    `${curve.nats[gone].toFixed(2)} of ${data.most.toFixed(2)} nats per unit.${worse} Going on from the rebuilt activations, ` +
    `LeNet5 is right on <b>${right(curve.accuracy[gone])}</b> (${right(data.dense)} before).${still}`;
}

// What to say while nothing is lost on the images fitted to; on others much may be.
function equal(data, held) {
  return held <= SEEMING * data.free ? " <b>Theorem 1’s equality holds.</b>" :
    " On the images fitted to, Theorem 1’s equality <b>seems</b> to hold: they are too few to tell.";
}

// Draws everything but the marker; returns how to place that, and how to draw anew at another width.
function drawChart(host, data, onMove) {
  host.replaceChildren();
  const svg = make(host, "svg", { class: "chart", role: "group", "aria-label": `Lost of ${data.reader} by units of ${data.layer} removed` });
  const chosen = data.orders[data.order], floor = Math.log10(data.free);
  const worst = Math.max(1, ...Object.values(data.orders).flatMap((each) => each.held));
  const top = Math.min(2, Math.ceil(Math.log10(worst) - 0.05));
  let width = 600, handle = null;
  const x = (gone) => LEFT + ((width - LEFT - RIGHT) * gone) / data.units;
  const y = (share) => {
    const place = (Math.log10(Math.max(share, data.free)) - floor) / (top - floor);
    return LOSS.top + LOSS.height * (1 - Math.min(1, place));
  };
  const up = (share) => RIGHT_SHARE.top + RIGHT_SHARE.height * (1 - share);
  const points = (values, high) => values.map((value, gone) => [x(gone), high(value)]);

  function resize() {
    width = Math.max(280, host.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.setAttribute("height", HEIGHT);
    if (chosen.free) equality(svg, chosen.free, x, width);
    frames(svg, data, x, y, up, width, floor, top);
    for (const [name, curve] of Object.entries(data.orders)) {
      if (name === data.order) continue;
      make(svg, "path", { d: path(points(curve.held, y)), class: "other", "stroke-dasharray": DASHES[name] });
      make(svg, "path", { d: path(points(curve.accuracy, up)), class: "other", "stroke-dasharray": DASHES[name] });
    }
    const held = points(chosen.held, y), fitted = points(chosen.fitted, y);
    make(svg, "path", { d: `${path([...held, ...[...fitted].reverse()])}Z`, class: "gap" });
    make(svg, "path", { d: path(fitted), class: "fitted" });
    make(svg, "path", { d: path(held), class: "held" });
    make(svg, "path", { d: path(points(chosen.accuracy, up)), class: "held" });
    handle = make(svg, "g", {
      class: "handle", tabindex: 0, role: "slider", "aria-label": "Units removed", "aria-valuemin": 0, "aria-valuemax": data.units,
    });
    make(handle, "line", { y1: LOSS.top, y2: BOTTOM });
    make(handle, "circle", { r: 7 });
    make(handle, "circle", { r: 7 });
    handle.onkeydown = (event) => press(event, onMove, Number(handle.getAttribute("aria-valuenow")), data.units, 10);
  }

  const at = (event) => {
    const box = svg.getBoundingClientRect();
    onMove((((event.clientX - box.left) * width) / box.width - LEFT) / ((width - LEFT - RIGHT) / data.units));
  };
  svg.onpointermove = (event) => { if (event.pointerType === "mouse" || event.buttons) at(event); };
  svg.onpointerdown = (event) => { svg.setPointerCapture(event.pointerId); at(event); };

  function place(gone, said) {
    const [first, second] = handle.querySelectorAll("circle"), line = handle.querySelector("line");
    for (const each of [first, second]) each.setAttribute("cx", x(gone));
    line.setAttribute("x1", x(gone));
    line.setAttribute("x2", x(gone));
    first.setAttribute("cy", y(chosen.held[gone]));
    second.setAttribute("cy", up(chosen.accuracy[gone]));
    handle.setAttribute("aria-valuenow", gone);
    handle.setAttribute("aria-valuetext", said);
  }
  return { place, resize };
}

function equality(svg, free, x, width) {
  make(svg, "rect", { x: x(0), width: x(free) - x(0), y: LOSS.top, height: LOSS.height, class: "equal" });
  const beside = x(free) < width - 180;
  make(svg, "text", { x: (beside ? x(free) : x(0)) + 5, y: LOSS.top + 14, class: "soft" },
    beside ? "← nothing lost where fitted" : "nothing lost where fitted");
}

function frames(svg, data, x, y, up, width, floor, top) {
  make(svg, "text", { x: 2, y: LOSS.top - 11, class: "soft" }, `lost of ${data.reader}’s variance: held out (thick), fitted to (dashed)`);
  for (let power = Math.round(floor); power <= top; power++) {
    const label = power === Math.round(floor) ? "0" : `${Number((100 * 10 ** power).toPrecision(1)).toLocaleString("en")}%`;
    ruled(svg, y(10 ** power), label, width);
  }
  make(svg, "text", { x: 2, y: RIGHT_SHARE.top - 11, class: "soft" }, "right, going on from what is rebuilt");
  for (const share of [0, 0.5, 1]) ruled(svg, up(share), `${100 * share}%`, width);
  const step = [1, 2, 5, 10, 20, 50].find((each) => (data.units / each) * 34 <= width - LEFT - RIGHT) ?? data.units;
  for (let gone = 0; gone <= data.units; gone += step) {
    make(svg, "text", { x: x(gone), y: BOTTOM + 16, "text-anchor": "middle", class: "soft" }, `${gone}`);
  }
  make(svg, "text", { x: LEFT + (width - LEFT - RIGHT) / 2, y: BOTTOM + 34, "text-anchor": "middle" }, `units of ${data.layer} removed, of ${data.units}`);
}

function ruled(svg, height, label, width) {
  make(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: height, y2: height, class: "grid" });
  make(svg, "text", { x: LEFT - 6, y: height + 4, "text-anchor": "end", class: "soft" }, label);
}

// Draws the cloud: true activations across, rebuilt ones up; both as codes from 0, the low end of an axis, to 255.
function drawCloud(host, data, codes) {
  host.replaceChildren();
  const svg = make(host, "svg", { role: "img", "aria-label": `${data.reader}’s activations on held-out images, rebuilt against true` });
  const count = data.true.length, edge = 34;
  let size = 320, dots = [];
  const across = (code) => edge + ((size - edge - 8) * code) / 255;
  const up = (code) => 26 + (size - edge - 8) * (1 - code / 255);

  function resize() {
    size = Math.max(240, Math.min(440, host.clientWidth));
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${size} ${size + 26}`);
    svg.style.maxWidth = `${size}px`;
    svg.style.margin = "0 auto";
    make(svg, "text", { x: 2, y: 14, class: "soft" }, `${data.reader} rebuilt, in standard deviations`);
    for (let value = -data.range; value <= data.range; value += data.range / 2) axis(svg, value, ((value / data.range + 1) / 2) * 255);
    make(svg, "line", { x1: across(0), y1: up(0), x2: across(255), y2: up(255), class: "diagonal" });
    make(svg, "text", { x: across(127.5), y: up(0) + 32, "text-anchor": "middle" }, `${data.reader} as it is; the diagonal: rebuilt exactly`);
    dots = data.true.map((code) => make(svg, "circle", { cx: across(code).toFixed(1), r: 2.2, class: "point" }));
  }

  function axis(svg, value, code) {
    make(svg, "line", { x1: across(code), x2: across(code), y1: up(0), y2: up(255), class: "grid" });
    make(svg, "line", { x1: across(0), x2: across(255), y1: up(code), y2: up(code), class: "grid" });
    make(svg, "text", { x: across(code), y: up(0) + 14, "text-anchor": "middle", class: "soft" }, `${value}`);
    make(svg, "text", { x: edge - 6, y: up(code) + 4, "text-anchor": "end", class: "soft" }, `${value}`);
  }

  function place(gone) {
    const first = gone * count;
    dots.forEach((dot, number) => dot.setAttribute("cy", up(codes[first + number]).toFixed(1)));
  }
  return { place, resize };
}

function fillOrders(list, data) {
  list.replaceChildren();
  return Object.fromEntries(Object.entries(data.orders).map(([name, curve]) => {
    const item = document.createElement("li"), label = document.createElement("span"), figure = document.createElement("span");
    item.classList.toggle("chosen", name === data.order);
    const line = make(item, "svg", { viewBox: "0 0 26 6", "aria-hidden": "true" });
    make(line, "path", { d: "M0 3L26 3", class: name === data.order ? "held" : "other", "stroke-dasharray": name === data.order ? "none" : DASHES[name] });
    label.textContent = name;
    figure.className = "figure";
    item.append(label, figure);
    list.append(item);
    return [name, item];
  }));
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
