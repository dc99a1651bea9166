// MIPP's pixels at every level: the mask, when each pixel is gone, ten digits through it, and as many of other rankings.
const SIDE = 12; // of one pixel in a map, before the browser scales it
const AMBER = "#E69F00", VIRIDIS = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"];
const REST = "Point at a pixel: when it goes, and where other rankings place it. Drag over the second map to set the level.";

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".pixels");
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
  const state = root.held?.name === data.name ? root.held : { name: data.name, place: data.place };
  root.held = state;
  const known = prepared(data);
  const others = fillOthers(parts.others, data);
  const digits = fillDigits(parts.digits, data);
  const slider = parts.slider;
  slider.max = data.levels.length - 1;

  function move(place, release) {
    state.place = Math.max(0, Math.min(data.levels.length - 1, place));
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(show);
    if (release) setStateValue("level", data.levels[state.place]);
  }

  function show() {
    const keep = known.kept[state.place];
    slider.value = state.place;
    slider.setAttribute("aria-valuetext", plainly(data, state.place));
    parts.number.textContent = `level ${data.levels[state.place]}`;
    parts.said.innerHTML = sentence(data, state.place);
    paint(parts.mask, data, (pixel) => (keep[pixel] ? known.slates[pixel] : "rgba(136, 136, 136, 0.16)"), () => false);
    paint(parts.gone, data, (pixel) => known.gone[pixel], (pixel) => keep[pixel], true);
    describe(parts.mask, `Mask of level ${data.levels[state.place]}: ${plural(data.counts[state.place], "pixel")} kept`);
    others.forEach(({ name, canvas, words }) => {
      const kept = (pixel) => known.ranks[name][pixel] < data.counts[state.place];
      paint(canvas, data, (pixel) => known.heat[name][pixel], kept, true);
      words.innerHTML = shared(data, name, state.place);
      describe(canvas, `${name}: ${words.textContent}`);
    });
    digits.forEach((canvas, place) => seen(canvas, data, known.digits, place, keep));
    window.dispatchEvent(new CustomEvent("mipp-level", { detail: { name: data.name, place: state.place } }));
  }

  const asked = (event) => { if (event.detail.name === data.name) move(event.detail.place, event.detail.release); };
  window.addEventListener("mipp-level-asked", asked);
  slider.oninput = () => move(Number(slider.value));
  slider.onchange = () => move(Number(slider.value), true);
  const drag = (pixel, release) => move(Math.min(data.gone[pixel], data.levels.length - 1), release);
  for (const canvas of [parts.mask, parts.gone, ...others.map((each) => each.canvas)]) {
    const read = (pixel) => { parts.read.textContent = told(data, known, pixel); };
    follow(canvas, data, read, () => { parts.read.textContent = REST; }, canvas === parts.gone ? drag : () => {});
  }
  parts.read.textContent = REST;
  parts.most.textContent = `${data.levels.at(-1)}, or never`;
  show();
  return () => window.removeEventListener("mipp-level-asked", asked);
}

const percent = (share) => `${Math.round(100 * share)}%`;

function prepared(data) {
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const mean = bytes(data.mean), pixels = data.rows * data.columns, most = data.levels.length;
  const ranks = Object.fromEntries(Object.entries(data.orders).map(([name, order]) => {
    const places = new Array(pixels);
    order.forEach((pixel, place) => { places[pixel] = place; });
    return [name, places];
  }));
  return {
    kept: data.kept.map((text) => [...text].map((each) => each === "1")),
    slates: [...mean].map((grey) => mixed("#66717f", "#ffffff", (0.8 * grey) / 255)),
    gone: data.gone.map((level) => (level === 0 ? "rgba(136, 136, 136, 0.16)" : viridis(level / most))),
    ranks,
    heat: Object.fromEntries(Object.entries(ranks).map(([name, places]) => [name, places.map((place) => viridis(1 - place / pixels))])),
    digits: bytes(data.digits),
  };
}

function mixed(from, to, share) {
  const part = (text, place) => parseInt(text.slice(1 + 2 * place, 3 + 2 * place), 16);
  const mix = [0, 1, 2].map((place) => Math.round(part(from, place) + share * (part(to, place) - part(from, place))));
  return `rgb(${mix.join(",")})`;
}

function viridis(share) {
  const along = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1), step = Math.min(Math.floor(along), VIRIDIS.length - 2);
  return mixed(VIRIDIS[step], VIRIDIS[step + 1], along - step);
}

// Paints one map, and a line around what is kept; where `dims`, the rest is faded.
function paint(canvas, data, colour, keep, dims = false) {
  const { rows, columns } = data, context = canvas.getContext("2d");
  if (canvas.width !== columns * SIDE) Object.assign(canvas, { width: columns * SIDE, height: rows * SIDE });
  context.clearRect(0, 0, canvas.width, canvas.height);
  const inside = (row, column) => row >= 0 && column >= 0 && row < rows && column < columns && keep(row * columns + column);
  context.beginPath();
  for (let pixel = 0; pixel < rows * columns; pixel++) {
    const row = Math.floor(pixel / columns), column = pixel % columns, x = column * SIDE, y = row * SIDE, stays = keep(pixel);
    context.globalAlpha = dims && !stays ? 0.3 : 1;
    context.fillStyle = colour(pixel);
    context.fillRect(x, y, SIDE, SIDE);
    if (stays !== inside(row, column - 1)) line(context, x, y, x, y + SIDE);
    if (stays !== inside(row - 1, column)) line(context, x, y, x + SIDE, y);
    if (stays && column === columns - 1) line(context, x + SIDE, y, x + SIDE, y + SIDE);
    if (stays && row === rows - 1) line(context, x, y + SIDE, x + SIDE, y + SIDE);
  }
  for (const stroke of [{ strokeStyle: "#222222", lineWidth: 4 }, { strokeStyle: AMBER, lineWidth: 2 }]) {
    Object.assign(context, { globalAlpha: 1, ...stroke }); // dark below, so that amber shows on yellow
    context.stroke();
  }
}

function line(context, x, y, toX, toY) {
  context.moveTo(x, y);
  context.lineTo(toX, toY);
}

function seen(canvas, data, digits, place, keep) {
  const { rows, columns } = data, size = rows * columns;
  if (canvas.width !== columns) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d"), painted = context.createImageData(columns, rows);
  for (let pixel = 0; pixel < size; pixel++) {
    const grey = keep[pixel] ? digits[place * size + pixel] : 0;
    painted.data.set([grey, grey, grey, 255], 4 * pixel);
  }
  context.putImageData(painted, 0, 0);
}

function describe(canvas, words) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
}

const sure = (data, place) => (data.confidences[place] === null ? "" : ` (confidence ${Number((100 * data.confidences[place]).toPrecision(7))}%)`);

function plainly(data, place) {
  return `Level ${data.levels[place]}${sure(data, place)}: ${data.counts[place]} of ${plural(data.rows * data.columns, "pixel")} kept`;
}

function sentence(data, place) {
  const pixels = data.rows * data.columns, count = data.counts[place];
  return `At <b>level ${data.levels[place]}</b>${sure(data, place)} MIPP keeps <b>${count} of ${pixels} pixels</b>, ${percent(count / pixels)}. ` +
    (count ? `Of the pixels next to a kept one, ${percent(data.together.MIPP[place])} are kept, too.` : "No pixel is left: the network sees nothing.");
}

function shared(data, name, place) {
  const common = data.common[name][place];
  if (common === null) return "no pixel to compare";
  return `<b>${percent(common)}</b> in common with MIPP, ${percent(data.counts[place] / (data.rows * data.columns))} by chance; ` +
    `neighbours kept ${percent(data.together[name][place])}`;
}

function told(data, known, pixel) {
  const gone = data.gone[pixel], last = data.levels.length;
  const when = gone === 0 ? "MIPP never keeps it" : gone === last ? "MIPP keeps it to the end" : `MIPP has it up to level ${data.levels[gone - 1]}`;
  const placed = Object.entries(known.ranks).map(([name, ranks]) => `${name} ${ranks[pixel] + 1}`).join(", ");
  return `Row ${Math.floor(pixel / data.columns) + 1}, column ${(pixel % data.columns) + 1}: ${when}. Its place among ${data.rows * data.columns}: ${placed}.`;
}

function pixelAt(canvas, data, event) {
  const box = canvas.getBoundingClientRect();
  const at = (from, size, count) => Math.max(0, Math.min(count - 1, Math.floor(((from) / size) * count)));
  return at(event.clientY - box.top, box.height, data.rows) * data.columns + at(event.clientX - box.left, box.width, data.columns);
}

// Tells which pixel the pointer is over, and, while it is down, where it is dragged to; at last that it was released.
function follow(canvas, data, over, out, drag) {
  const at = (event) => pixelAt(canvas, data, event);
  canvas.onpointermove = (event) => { over(at(event)); if (event.buttons) drag(at(event), false); };
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); over(at(event)); drag(at(event), false); };
  canvas.onpointerup = (event) => drag(at(event), true);
  canvas.onpointerleave = out;
}

function fillOthers(host, data) {
  host.replaceChildren();
  return Object.keys(data.orders).map((name) => {
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    const title = document.createElement("b"), words = document.createElement("div"), canvas = document.createElement("canvas");
    title.textContent = name;
    caption.append(title, words);
    figure.append(caption, canvas);
    host.append(figure);
    return { name, canvas, words };
  });
}

function fillDigits(list, data) {
  list.replaceChildren();
  return data.labels.map((label) => {
    const item = document.createElement("li"), canvas = document.createElement("canvas");
    describe(canvas, `A ${label}, with only the pixels that are kept`);
    item.append(canvas);
    list.append(item);
    return canvas;
  });
}
