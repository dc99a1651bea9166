// Draws the network: what stays alive, what is gone, what is collapsed, and what is pointed at.
function drawPicture(canvas, layout, data, state, look) {
  const width = canvas.clientWidth, scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(layout.height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(layout.height * scale);
    canvas.style.height = `${layout.height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, layout.height);
  const drawn = { pen, data, state, look, at: state.at };
  if (layout.kind === "columns") drawFlow(drawn, layout.boxes);
  for (const box of layout.boxes) layout.kind === "rows" ? drawRow(drawn, box) : drawLayer(drawn, box, layout.kind);
}

const keptAt = ({ state }, layer) => bitsOf(state, layer);

// What flows from layer to layer: as wide as the share of the units that stay.
function drawFlow(drawn, boxes) {
  const { pen, look } = drawn;
  pen.fillStyle = look.ink;
  pen.globalAlpha = 0.1;
  for (let place = 1; place < boxes.length; place++) {
    const from = boxes[place - 1], to = boxes[place], a = shareOf(drawn, from.layer), b = shareOf(drawn, to.layer);
    const x0 = from.box.x + from.box.width + 2, x1 = to.box.x - 2, middle = from.box.y + from.box.height / 2;
    const high = (share) => Math.max(share > 0 ? 1 : 0, (share * from.box.height) / 2);
    pen.beginPath();
    pen.moveTo(x0, middle - high(a));
    pen.lineTo(x1, middle - high(b));
    pen.lineTo(x1, middle + high(b));
    pen.lineTo(x0, middle + high(a));
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function shareOf(drawn, layer) {
  const bits = keptAt(drawn, layer);
  return bits ? counted(bits) / layer.units : 1;
}

function drawLayer(drawn, { layer, box, cells: grid }, kind) {
  const { pen, look } = drawn, bits = keptAt(drawn, layer), kept = bits ? counted(bits) : layer.units;
  const dead = layer.bits && kept === 0;
  write(drawn, layer.title, box.x, box.y - 8, { bold: true });
  if (kind === "stacked" && layer.kind !== "pixel") write(drawn, figuresOf(layer, kept), box.x + box.width, box.y - 8, { align: "right", soft: true });
  drawUnits(drawn, layer, bits, grid);
  if (drawn.state.chosen && drawn.state.chosen.layer === layer.name && layer.bits) underline(drawn, box);
  if (dead) {
    pen.strokeStyle = look.bad;
    pen.lineWidth = 2;
    pen.setLineDash([5, 4]);
    pen.strokeRect(box.x + 1, box.y + 1, box.width - 2, box.height - 2);
    pen.setLineDash([]);
    write(drawn, "⚠ no unit left", box.x + box.width / 2, box.y + box.height / 2 + 4, { align: "center", bold: true, colour: look.bad, back: true });
  }
  if (kind === "columns" && layer.bits) {
    bar(drawn, box.x, box.y + box.height + 12, box.width, 1 - kept / layer.units);
    write(drawn, figuresOf(layer, kept), box.x, box.y + box.height + 36, { soft: true });
  }
}

const figuresOf = (layer, kept) => (layer.bits ? `${kept} of ${layer.units}` : `${layer.units}`);

// The layer that is looked into.
function underline({ pen }, box) {
  pen.fillStyle = AMBER;
  pen.fillRect(box.x, box.y - 5, Math.min(box.width, 40), 2.5);
}

// The pruning ratio: what is removed, hatched, of the whole.
function bar({ pen, look }, x, y, width, removed) {
  pen.fillStyle = look.ink;
  pen.globalAlpha = 0.14;
  pen.fillRect(x, y, width, 8);
  pen.globalAlpha = 0.85;
  pen.fillRect(x, y, width * (1 - removed), 8);
  pen.globalAlpha = 1;
}

// The image as one picture: ink where it is dark, grey where pixels are gone; of no image in particular its size alone.
function drawPixels(drawn, layer, bits, grid) {
  const { pen, data, look } = drawn, wide = grid.across * grid.size, tall = grid.down * grid.size;
  if (bits || data.lit) paintPixels(drawn, layer, bits, grid);
  else write(drawn, `${grid.down} × ${grid.across}`, grid.left + wide / 2, grid.top + tall / 2 + 4, { align: "center", soft: true });
  pen.strokeStyle = look.ink;
  pen.globalAlpha = 0.3;
  pen.strokeRect(grid.left, grid.top, wide, tall);
  pen.globalAlpha = 1;
}

function paintPixels({ pen, data }, layer, bits, grid) {
  const canvas = document.createElement("canvas"), ink = INKED.value;
  canvas.width = grid.across;
  canvas.height = grid.down;
  const own = canvas.getContext("2d"), pixels = own.createImageData(grid.across, grid.down);
  for (let unit = 0; unit < layer.units; unit++) {
    const dark = data.lit ? data.lit(layer, unit).value : 0.3;
    pixels.data.set(bits && !bits[unit] ? [136, 136, 136, 90] : [...ink, 255 * Math.max(0, Math.min(1, dark))], 4 * unit);
  }
  own.putImageData(pixels, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(canvas, grid.left, grid.top, grid.across * grid.size, grid.down * grid.size);
}

function drawUnits(drawn, layer, bits, grid) {
  const { pen, state } = drawn;
  if (layer.kind === "pixel") drawPixels(drawn, layer, bits, grid);
  for (let unit = 0; unit < layer.units; unit++) {
    const x = grid.left + (unit % grid.across) * grid.size, y = grid.top + Math.floor(unit / grid.across) * grid.size;
    const side = grid.size - grid.gap;
    if (layer.kind !== "pixel") drawUnit(drawn, layer, unit, !bits || bits[unit] === 1, x, y, side);
    if (state.pointed && state.pointed.layer === layer.name && state.pointed.unit === unit) ring(drawn, layer, x, y, side, 2, AMBER);
    if (state.chosen && state.chosen.layer === layer.name && state.chosen.unit === unit) ring(drawn, layer, x, y, side, 3, AMBER);
  }
  pen.globalAlpha = 1;
}

function drawUnit({ pen, data, look, state }, layer, unit, stays, x, y, side) {
  const lit = data.lit ? data.lit(layer, unit) : null;
  if (lit && lit.map && side >= 8) {
    pen.globalAlpha = stays ? 1 : 0.16;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(lit.map, x, y, side, side);
    pen.globalAlpha = stays ? 0.9 : 0.35;
    pen.strokeStyle = look.ink;
    pen.lineWidth = stays ? 1.2 : 0.6;
    pen.strokeRect(x, y, side, side);
    return;
  }
  const round = layer.kind !== "filter" && side > 4;
  pen.beginPath();
  if (round) pen.arc(x + side / 2, y + side / 2, side / 2, 0, 7);
  else pen.rect(x, y, side, side);
  pen.fillStyle = pen.strokeStyle = look.ink;
  pen.globalAlpha = stays ? (lit ? 0.14 + 0.86 * lit.strength : 0.88) : 0.12;
  pen.fill();
  if (stays && lit && side > 4) { pen.globalAlpha = 0.8; pen.lineWidth = 1; pen.stroke(); }
}

function ring({ pen }, layer, x, y, side, wide, colour) {
  pen.globalAlpha = 1;
  pen.strokeStyle = colour;
  pen.lineWidth = wide;
  pen.strokeRect(x - 2, y - 2, side + 4, side + 4);
}

// One layer of a large network: its name, its units as one strip, how much of it is gone, and that at every point.
function drawRow(drawn, { layer, row, figures, box, cells: grid }) {
  const { pen, look, at, state, data } = drawn, bits = keptAt(drawn, layer), kept = counted(bits);
  const dead = data.points[at].dead.includes(layer.name);
  if (state.pointed && state.pointed.layer === layer.name) {
    pen.fillStyle = look.ink;
    pen.globalAlpha = 0.06;
    pen.fillRect(0, row.y, figures.x + figures.width, row.height);
  }
  write(drawn, clipped(pen, layer.title, row.x - 12, look), 0, row.y + 16, { bold: layer.name === state.zoomed, colour: dead ? look.bad : undefined });
  strip(drawn, bits, row.x, row.y + 4, row.width, row.height - 8);
  const gone = `${dead ? "⚠ " : ""}−${Math.round(100 * (1 - kept / layer.units))}%`;
  write(drawn, gone, figures.x + 42, row.y + 16, { align: "right", colour: dead ? look.bad : undefined });
  if (figures.width > 60 && layer.bits.length > 1) sparkline(drawn, layer, figures.x + 54, row.y + 4, figures.width - 58, row.height - 8);
  if (box) drawUnits(drawn, layer, bits, grid);
}

function strip({ pen, look }, bits, x, y, width, height) {
  const wide = width / bits.length;
  pen.fillStyle = look.ink;
  pen.globalAlpha = 0.12;
  pen.fillRect(x, y, width, height);
  pen.globalAlpha = 0.85;
  for (let unit = 0; unit < bits.length;) {
    if (!bits[unit]) { unit++; continue; }
    const start = unit;
    while (unit < bits.length && bits[unit] && (wide < 4 || unit === start)) unit++;
    pen.fillRect(x + start * wide, y, Math.max(0.5, (unit - start) * wide - (wide >= 4 ? 1 : 0)), height);
  }
  pen.globalAlpha = 1;
}

function sparkline({ pen, look, at }, layer, x, y, width, height) {
  const across = (place) => x + (width * place) / (layer.bits.length - 1), up = (share) => y + height * (1 - share);
  pen.strokeStyle = look.ink;
  pen.lineWidth = 1.2;
  pen.beginPath();
  layer.removed.forEach((share, place) => (place ? pen.lineTo(across(place), up(share)) : pen.moveTo(across(place), up(share))));
  pen.globalAlpha = 0.75;
  pen.stroke();
  pen.globalAlpha = 1;
  pen.fillStyle = AMBER;
  pen.beginPath();
  pen.arc(across(at), up(layer.removed[at]), 3, 0, 7);
  pen.fill();
}

function clipped(pen, text, width, look) {
  pen.font = `600 12px ${look.font}`;
  if (pen.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 3 && pen.measureText(`…${short}`).width > width) short = short.slice(1);
  return `…${short}`;
}

function write({ pen, look }, text, x, y, { align = "left", bold = false, soft = false, colour, back = false } = {}) {
  pen.font = `${bold ? 600 : 400} 12px ${look.font}`;
  pen.textAlign = align;
  if (back) {
    const wide = pen.measureText(text).width + 12;
    pen.fillStyle = look.paper;
    pen.fillRect(x - wide / 2, y - 15, wide, 22);
  }
  pen.fillStyle = colour ?? look.ink;
  pen.globalAlpha = soft ? 0.8 : 1;
  pen.fillText(text, x, y);
  pen.globalAlpha = 1;
}
