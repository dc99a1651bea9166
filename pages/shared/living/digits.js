// A digit that runs through the networks in the browser: picked, drawn, or found; what each network makes of it.
const NETWORKS = ["dense", "pruned", "rebuilt", "retrained"];

// Fetches networks and images once the page is quiet; calls back whenever something has come.
function fetchDigits(data, state, onNews) {
  if (!data.digits || state.digits) return;
  const got = state.digits = { images: null, labels: null, networks: {} };
  const get = async (name) => {
    const answer = await fetch(new URL(`api/runs/${data.name}/${name}.safetensors`, document.baseURI));
    if (!answer.ok) throw new Error(`${answer.status}`);
    return tensorsOf(await answer.arrayBuffer());
  };
  const images = get("images").then((found) => { got.images = found.images; got.labels = found.labels.data; });
  const dense = get("dense").then((found) => { got.networks.dense = found; });
  Promise.all([images, dense]).then(() => { state.picked ??= 7; onNews(); }).catch(() => { got.failed = true; onNews(); });
  for (const measure of ["retrained", "rebuilt"]) {
    get(measure).then((found) => { got.networks[measure] = byLevel(found); onNews(); }).catch(() => {});
  }
}

// The image that is looked at, as numbers a network reads.
function inputOf(data, state) {
  const { mean, std } = data.digits, [channels, height, width] = data.image, size = height * width;
  const raw = state.drawn ?? state.digits.images.data.subarray(state.picked * channels * size, (state.picked + 1) * channels * size);
  return Float64Array.from(raw, (value, place) => (value / 255 - mean[Math.floor(place / size)]) / std[Math.floor(place / size)]);
}

function weightsAt(data, state, measure) {
  const { networks } = state.digits;
  if (measure === "dense" || measure === "pruned") return networks.dense;
  return networks[measure]?.[data.points[state.at].number];
}

// Runs one network on an image at the point that is looked at; null while its weights are not there.
function run(data, state, measure, image) {
  const weights = weightsAt(data, state, measure);
  if (!weights) return null;
  const pixels = data.layers.find((layer) => layer.kind === "pixel");
  const seen = measure === "dense" || !pixels ? image : image.map((value, place) => value * bitsOf(state, pixels)[place]);
  const kept = measure === "pruned" ? Object.fromEntries(data.layers.map((layer) => [layer.name, bitsOf(state, layer)])) : {};
  return forward(data.digits.steps, weights, seen, data.image, kept);
}

function ready(state) {
  return state.digits && state.digits.images && state.digits.networks.dense;
}

// Runs all networks; what the last of them does is what the picture shows.
function flow(data, state) {
  if (!ready(state)) return;
  const image = inputOf(data, state), wanted = state.replay || state.mine ? ["dense", "pruned"] : data.trained ? NETWORKS : ["dense", "retrained"];
  const found = Object.fromEntries(wanted.map((measure) => [measure, run(data, state, measure, image)]));
  const shown = [...wanted].reverse().find((measure) => found[measure]);
  state.found = found;
  state.shown = shown;
  data.lit = litBy(data, state, found[shown], shown, image);
}

// How bright each unit is drawn: a filter as its map, a neuron by how strongly it answers.
function litBy(data, state, { maps }, shown, image) {
  const held = {};
  const whole = shown === "dense" || shown === "pruned";
  return (layer, unit) => {
    if (layer.kind === "pixel") return { value: image[unit] };
    const map = maps[layer.name];
    if (!map) return null;
    const own = held[layer.name] ??= placed(map, layer, state.at, whole);
    const place = own.places[unit];
    if (place < 0) return layer.kind === "filter" ? null : { strength: 0 };
    if (layer.kind === "filter") return { map: own.pictures[place] ??= painted(map, place, own.most) };
    return { strength: own.most ? Math.max(0, map.data[place]) / own.most : 0 };
  };
}

function placed(map, layer, at, whole) {
  let next = 0;
  const places = Int32Array.from({ length: layer.units }, (_, unit) => (whole ? unit : layer.bits[at][unit] ? next++ : -1));
  return { places, most: map.data.reduce((most, value) => Math.max(most, value), 0), pictures: {} };
}

// One filter's map, in ink.
function painted({ data, shape: [, height, width] }, place, most) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(width, height), from = place * height * width;
  const dark = INKED.value;
  for (let each = 0; each < height * width; each++) {
    pixels.data.set([...dark, 255 * Math.max(0, Math.min(1, data[from + each] / (most || 1)))], 4 * each);
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

const INKED = { value: [0, 0, 0] };

// The ten digits to pick from, the pad to draw on, and what every network says.
function fillDigits(parts, data, state, onChange) {
  parts.digits.hidden = !data.digits;
  if (!data.digits) return;
  const choose = (picked) => { state.picked = picked; state.drawn = null; onChange(); };
  if (!parts.picks.children.length) {
    parts.picks.replaceChildren(...data.digits.classes.map((name, place) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      button.type = "button";
      button.setAttribute("aria-label", `Image of ${name}`);
      button.append(canvas);
      button.dataset.place = place;
      return button;
    }));
  }
  [...parts.picks.children].forEach((button, place) => { button.onclick = () => choose(place); });
  parts.find.onclick = () => search(parts, data, state, choose);
  wirePad(parts.pad, data, state, onChange);
  parts.clear.onclick = () => { state.drawn = state.uncentred = new Uint8Array(data.image[1] * data.image[2]); onChange(); };
}

function showDigits(parts, data, state) {
  if (!data.digits) return;
  parts.waiting.textContent = state.digits?.failed
    ? "No images or networks of this run are on this machine, so no image can run through it."
    : ready(state) ? "" : "Fetching networks and images…";
  parts.within.hidden = !ready(state);
  if (!ready(state)) return;
  const [channels, height, width] = data.image, size = channels * height * width;
  [...parts.picks.children].forEach((button, place) => {
    button.setAttribute("aria-pressed", String(!state.drawn && state.picked === place));
    paintImage(button.firstChild, state.digits.images.data.subarray(place * size, (place + 1) * size), data.image);
  });
  const raw = state.drawn ?? state.digits.images.data.subarray(state.picked * size, (state.picked + 1) * size);
  paintImage(parts.pad, raw, data.image);
  parts.pad.classList.toggle("open", !!state.drawn);
  const label = state.drawn ? null : state.digits.labels[state.picked];
  const isBlank = state.drawn && !state.drawn.some(Boolean);
  parts.verdicts.replaceChildren(...(isBlank ? [] : Object.entries(state.found)).map(([measure, found]) => verdict(data, measure, found, label)));
  parts.truth.textContent = isBlank ? "Draw a digit in the frame on the left." : label === null ? "Drawn by hand; it is moved so that its centre of mass is in the middle, as MNIST's are."
    : `Test image ${state.picked} of ${state.digits.labels.length.toLocaleString("en")}; it is ${data.digits.classes[label]}.`;
}

function paintImage(canvas, raw, [channels, height, width]) {
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(width, height), size = height * width;
  for (let each = 0; each < size; each++) {
    const rgb = channels === 3 ? [raw[each], raw[size + each], raw[2 * size + each], 255] : [...INKED.value, raw[each]];
    pixels.data.set(rgb, 4 * each);
  }
  pen.putImageData(pixels, 0, 0);
}

// One network's answer: what it says, how sure it is, and its probability of every class.
function verdict(data, measure, found, label) {
  const row = document.createElement("li"), name = document.createElement("span"), said = document.createElement("b");
  name.innerHTML = `<i style="background:${INK[measure]}"></i>${called(data, measure)}`;
  row.append(name, said);
  if (!found) { said.textContent = "…"; return row; }
  const sure = softmax(found.outputs), best = largest(sure);
  said.textContent = `reads ${data.digits.classes[best]}, ${percent(sure[best], 1)} sure`;
  if (label !== null) said.textContent += best === label ? " ✓" : " ✗";
  row.dataset.probabilities = JSON.stringify(sure);
  const bars = document.createElement("span");
  bars.className = "bars";
  bars.setAttribute("aria-hidden", "true");
  bars.append(...sure.map((value, place) => {
    const bar = document.createElement("s");
    bar.innerHTML = `<em><u style="height:${(100 * value).toFixed(1)}%;background:${INK[measure]}"></u></em>${place}`;
    return bar;
  }));
  row.append(bars);
  return row;
}

// Looks for the next image that the dense network reads and no other network does.
function search(parts, data, state, choose) {
  if (!ready(state)) return;
  const count = state.digits.labels.length, others = Object.keys(state.found).filter((measure) => measure !== "dense"), start = state.drawn ? 0 : state.picked + 1;
  const before = { picked: state.picked, drawn: state.drawn };
  state.drawn = null;
  for (let step = 0; step < count; step++) {
    state.picked = (start + step) % count;
    const image = inputOf(data, state), label = state.digits.labels[state.picked];
    const reads = (measure) => largest(run(data, state, measure, image).outputs) === label;
    if (!others.some(reads) && reads("dense")) return choose(state.picked);
  }
  Object.assign(state, before);
  parts.truth.textContent = `At this level every one of the ${count} images that the dense network reads is read by another one, too.`;
}
