// The living network: one slider, one headline, the network and its curve, all following the thumb within a frame.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".living");
  prepare(data);
  showOnly(root, data.parts);
  const state = held(root, data), parts = partsOf(root);
  const tell = quietly((word, value) => setTriggerValue(word, value));
  const curve = drawCurve(parts.curve, data, (at) => { move(at); rest(); });
  parts.curve.hidden ||= !data.measures.length || data.points.length < 2;
  fillAccuracies(parts.accuracies, data);
  wireSlider(parts.slider, data, state, move, rest);

  function move(at) {
    state.at = Math.max(0, Math.min(data.points.length - 1, at));
    if (state.mine) tell("mine", "");
    state.replay = state.mine = null;
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(show);
  }

  function rest() {
    if (state.at !== state.told) tell("moved", data.points[(state.told = state.at)].number);
  }

  function show() {
    const point = data.points[state.at];
    parts.slider.value = state.at;
    parts.slider.style.setProperty("--filled", `${(100 * state.at) / Math.max(1, data.points.length - 1)}%`);
    parts.asks.innerHTML = `<b></b>`;
    parts.asks.firstChild.textContent = point.named;
    parts.asks.append(point.asks ? `: ${point.asks}` : "");
    showHeadline(parts, data, point, state);
    curve.place(state.at);
    draw();
    parts.slider.setAttribute("aria-valuetext", spoken(data, point));
  }

  function draw() {
    INKED.value = numbersOf(lookOf(root).ink);
    flow(data, state);
    showDigits(parts, data, state);
    showReplay(parts, data, state);
    parts.cutting.hidden = !state.mine;
    if (state.mine && state.judgeLater && ready(state)) { state.judgeLater = false; judge(parts, data, state); }
    if (!parts.network.clientWidth) return;
    parts.frame.classList.toggle("tall", isLarge(data));
    state.layout = layoutOf(data, parts.network.clientWidth, state.zoomed);
    drawPicture(parts.network, state.layout, data, state, lookOf(root));
    parts.begin.setAttribute("aria-pressed", String(!!state.mine));
    parts.pointed.textContent = hintOf(data, state);
  }

  wirePointer(parts, data, state, draw, (chosen) => tell("chosen", chosen));
  wireKeys(parts, data, state, draw, (chosen) => tell("chosen", chosen));
  const watcher = new ResizeObserver(() => { curve.resize(); show(); });
  watcher.observe(parts.curve);
  watcher.observe(root);
  const theme = new MutationObserver(() => requestAnimationFrame(show));
  theme.observe(document.documentElement, { attributes: true });
  curve.resize();
  wireMine(parts, data, state, show, (code) => tell("mine", code));
  wireReplay(parts, data, state, show);
  fillDigits(parts, data, state, show);
  state.show = show;
  fetchDigits(data, state, () => state.show());
  show();
  if (data.tells) requestAnimationFrame(() => setTimeout(() => setTriggerValue("drawn", true)));
  return () => { watcher.disconnect(); theme.disconnect(); };
}

function partsOf(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
}

// Hides what does not belong to the parts that are asked for; without a word all are shown.
function showOnly(root, asked) {
  for (const each of root.querySelectorAll("[data-belongs]")) each.hidden = !!asked && !asked.includes(each.dataset.belongs);
}

// What stays as it is while the page is drawn again: the place of the thumb, unless another was asked for.  It stays one
// object, so that what is still being fetched for an earlier drawing reaches the present one.
function held(root, data) {
  const state = root.held && root.held.name === data.name ? root.held : { zoomed: null, pointed: null };
  const filled = data.points.filter((point) => known(point.accuracy.retrained)).length;
  if (state.filled !== filled) Object.assign(state, { filled, digits: null });
  const isNews = data.at !== state.asked && data.at !== state.told;
  if (isNews) state.at = state.told = data.at;
  Object.assign(state, { name: data.name, asked: data.at, chosen: data.chosen ? { layer: data.chosen[0], unit: data.chosen[1] ?? -1 } : null });
  state.at = Math.min(state.at, data.points.length - 1);
  root.held = state;
  return state;
}

function prepare(data) {
  for (const layer of data.layers) {
    layer.bits = unpacked(layer, data.points.length);
    layer.removed = layer.bits.map((bits) => 1 - counted(bits) / layer.units);
    layer.title = layer.kind === "pixel" ? "pixels" : layer.name;
  }
  const own = data.layers.filter((layer) => layer.kind !== "pixel"), all = own.reduce((sum, layer) => sum + layer.units, 0);
  data.points.forEach((point, at) => {
    point.units ??= own.reduce((sum, layer) => sum + layer.removed[at] * layer.units, 0) / all;
  });
  const [, height, width] = data.image;
  const image = { name: "input", title: "image", kind: "pixel", units: height * width, bits: null };
  const asImage = (layer) => ({ ...layer, units: height * width, bits: layer.bits.map((bits) => anyChannel(bits, height * width)) });
  data.shown = data.layers[0]?.kind === "pixel"
    ? [asImage(data.layers[0]), ...data.layers.slice(1)]
    : [image, ...data.layers];
  data.hint ??= `Point at a unit, or tab to the picture and use the arrow keys${data.looks ? "; Enter or a click looks into it" : ""}.`;
}

// A pixel is drawn as kept where any of its channels is.
function anyChannel(bits, size) {
  if (bits.length === size) return bits;
  return Uint8Array.from({ length: size }, (_, place) => {
    for (let channel = place; channel < bits.length; channel += size) if (bits[channel]) return 1;
    return 0;
  });
}

function lookOf(root) {
  const style = getComputedStyle(root), paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
  return { ink: style.color, paper, font: style.fontFamily, hatch: "rgba(136,136,136,0.28)", bad: isDark(paper) ? "#FF8A5C" : "#B3440B" };
}

// Red, green and blue of any colour that CSS knows, from 0 to 255.
function numbersOf(colour) {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const isDark = (colour) => numbersOf(colour).reduce((sum, each) => sum + each) < 384;

// Words reach Python only once nothing has moved for a moment.
function quietly(send) {
  const waiting = {};
  return (word, value) => {
    clearTimeout(waiting[word]);
    waiting[word] = setTimeout(() => send(word, value), 60);
  };
}
