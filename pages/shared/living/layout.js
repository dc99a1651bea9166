// Where layers and their units are drawn: side by side, one above the other, or, of a large network, as rows.
const ROW = 24, FEW_LAYERS = 8, FEW_UNITS = 3000, ZOOMED = 132;

function isLarge(data) {
  return data.layers.length > FEW_LAYERS || data.layers.reduce((sum, layer) => sum + (layer.kind === "pixel" ? 0 : layer.units), 0) > FEW_UNITS;
}

// The largest squares, at most `most` wide, of which `count` fit into a box.
function squares(count, box, most) {
  let size = Math.min(most, box.width, box.height);
  const fits = (side) => Math.floor(box.width / side) * Math.floor(box.height / side) >= count;
  while (size > 1 && !fits(size)) size -= size > 6 ? 0.5 : 0.25;
  const across = Math.max(1, Math.floor(box.width / size));
  return { size, across, down: Math.ceil(count / across) };
}

function cells(layer, box, most, image) {
  if (layer.kind === "pixel") return pixelCells(box, image);
  const grid = squares(layer.units, box, most);
  const used = Math.min(layer.units, grid.across) * grid.size, tall = grid.down * grid.size;
  const left = box.x + (box.width - used) / 2, top = box.y + (box.height - tall) / 2;
  return { ...grid, left, top, gap: grid.size > 9 ? 2 : grid.size > 4 ? 1 : 0.5 };
}

function pixelCells(box, [, height, width]) {
  const size = Math.min(box.width / width, box.height / height);
  return { size, across: width, down: height, left: box.x + (box.width - size * width) / 2, top: box.y + (box.height - size * height) / 2, gap: 0 };
}

const asked = (layer) => (layer.kind === "pixel" ? 170 : Math.max(layer.kind === "filter" ? 104 : 76, Math.min(230, 15 * Math.sqrt(layer.units) + 30)));

// Side by side: each layer's share of the width grows with its units.
function columns(layers, width, image) {
  const height = 196, top = 24, between = 22;
  const room = width - between * (layers.length - 1), sum = layers.reduce((total, layer) => total + asked(layer), 0);
  let x = 0;
  const boxes = layers.map((layer) => {
    const box = { x, y: top, width: (room * asked(layer)) / sum, height };
    x += box.width + between;
    return { layer, box, cells: cells(layer, box, layer.kind === "filter" ? 44 : 17, image) };
  });
  return { kind: "columns", boxes, height: top + height + 42 };
}

// One above the other, for narrow windows: the image beside the first layers, the others below them.
function stacked([image, ...layers], width, shape) {
  const beside = layers.filter((layer) => layer.units <= 32).length > 1 ? 2 : 1, side = 108;
  let y = 0;
  const boxes = layers.map((layer, place) => {
    const left = place < beside ? side + 14 : 0;
    const height = place < beside ? (side - 24 * (beside - 1)) / beside : layer.units <= 100 ? 46 : 58;
    const box = { x: left, y: y + 19, width: width - left, height };
    y += height + 24;
    return { layer, box, cells: cells(layer, box, layer.kind === "filter" ? 38 : 15, shape) };
  });
  const box = { x: 0, y: 19, width: side, height: side };
  return { kind: "stacked", boxes: [{ layer: image, box, cells: cells(image, box, 0, shape) }, ...boxes], height: y };
}

// A row per layer; the one that is looked into is followed by its units.
function rowsOf(layers, width, image, zoomed) {
  const named = width > 560 ? 150 : 92, figures = width > 560 ? 150 : 44;
  let y = 0;
  const boxes = layers.map((layer) => {
    const row = { x: named, y, width: width - named - figures, height: ROW };
    y += ROW;
    const found = { layer, row, figures: { x: width - figures, y: row.y, width: figures, height: ROW } };
    if (layer.name !== zoomed) return found;
    const box = { x: named, y: y + 4, width: width - named - figures, height: ZOOMED };
    y += ZOOMED + 10;
    return { ...found, box, cells: cells(layer, box, 26, image) };
  });
  return { kind: "rows", boxes, height: y };
}

function layoutOf(data, width, zoomed) {
  if (isLarge(data)) return rowsOf(data.layers, width, data.image, zoomed);
  return width >= 620 ? columns(data.shown, width, data.image) : stacked(data.shown, width, data.image);
}

// The unit at a place of the picture; -1 for a layer's row or its empty room.
function unitAt(layout, x, y) {
  for (const { layer, row, box, cells: grid } of layout.boxes) {
    if (row && y >= row.y && y < row.y + row.height) return { layer, unit: -1 };
    if (!box || y < box.y - 20 || y > box.y + box.height + 20 || x < box.x - 4 || x > box.x + box.width + 4) continue;
    const across = Math.floor((x - grid.left) / grid.size), down = Math.floor((y - grid.top) / grid.size);
    const unit = down * grid.across + across;
    const hit = across >= 0 && across < grid.across && down >= 0 && unit >= 0 && unit < layer.units;
    return { layer, unit: hit ? unit : -1 };
  }
  return null;
}
