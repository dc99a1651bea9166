// The pad: the image that is looked at, and a place to draw one.
function wirePad(pad, data, state, onChange) {
  const [, height, width] = data.image;
  let last = null, raw = null;
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  pad.onpointerdown = (event) => {
    if (!data.digits.drawable) return;
    pad.setPointerCapture(event.pointerId);
    raw = state.drawn ? state.uncentred ?? new Uint8Array(width * height) : new Uint8Array(width * height);
    last = at(event);
    stroke(raw, last, last, width, height);
    state.drawn = raw;
    onChange();
  };
  pad.onpointermove = (event) => {
    if (!last) return;
    const next = at(event);
    stroke(raw, last, next, width, height);
    last = next;
    state.drawn = raw;
    onChange();
  };
  pad.onpointerup = pad.onpointercancel = () => {
    if (!last) return;
    last = null;
    state.uncentred = raw;
    state.drawn = centred(raw, width, height);
    onChange();
  };
}

// A soft pen, about two pixels wide.
function stroke(raw, from, to, width, height) {
  const steps = Math.max(1, Math.ceil(3 * Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let step = 0; step <= steps; step++) {
    const x = from[0] + ((to[0] - from[0]) * step) / steps, y = from[1] + ((to[1] - from[1]) * step) / steps;
    for (let row = Math.floor(y - 2); row <= y + 2; row++) for (let column = Math.floor(x - 2); column <= x + 2; column++) {
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      const far = Math.hypot(column + 0.5 - x, row + 0.5 - y), ink = 255 * Math.max(0, Math.min(1, 1.9 - far));
      raw[row * width + column] = Math.max(raw[row * width + column], ink);
    }
  }
}

// Moves an image by whole pixels so that its centre of mass is in the middle.
function centred(raw, width, height) {
  let sum = 0, across = 0, down = 0;
  raw.forEach((value, place) => { sum += value; across += value * (place % width); down += value * Math.floor(place / width); });
  if (!sum) return raw;
  const right = Math.round((width - 1) / 2 - across / sum), low = Math.round((height - 1) / 2 - down / sum);
  const made = new Uint8Array(raw.length);
  raw.forEach((value, place) => {
    const x = (place % width) + right, y = Math.floor(place / width) + low;
    if (x >= 0 && y >= 0 && x < width && y < height) made[y * width + x] = value;
  });
  return made;
}
