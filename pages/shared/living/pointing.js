// What is pointed at and chosen: by pointer, and by keys for those who have none.
function shownLayers(data) {
  return isLarge(data) ? data.layers : data.shown;
}

function hintOf(data, state) {
  if (state.mine && !state.replay) {
    return state.pointed?.unit >= 0 ? `${described(data, state)}. A click ${bitsOf(state, shownLayers(data).find((each) => each.name === state.pointed.layer))[state.pointed.unit] ? "cuts it" : "puts it back"}.` : "Click a unit to cut it, and again to put it back.";
  }
  const isOpen = state.chosen && (!state.pointed || (state.pointed.layer === state.chosen.layer && state.pointed.unit === state.chosen.unit));
  const opened = data.looks && isOpen ? " ↓ Looked into below." : "";
  return (state.pointed ? described(data, state) : data.hint) + opened;
}

function described(data, state) {
  const layer = shownLayers(data).find((each) => each.name === state.pointed.layer), unit = state.pointed.unit;
  if (!layer) return data.hint;
  const bits = bitsOf(state, layer);
  const whole = `${layer.title}: ${plural(layer.units, layer.kind)}` + (bits ? `, ${counted(bits)} kept` : "");
  if (unit < 0 || !bits) return whole;
  return `${layer.title}, ${layer.kind} ${unit}: ${bits[unit] ? "kept" : "removed"} here; ${fate(data, layer, unit)}`;
}

function choose(data, state, found, tell) {
  if (state.mine && !state.replay) return state.toggle(found);
  if (isLarge(data) && found.unit < 0) state.zoomed = state.zoomed === found.layer ? null : found.layer;
  const isSame = state.chosen && state.chosen.layer === found.layer && state.chosen.unit === found.unit;
  state.chosen = isSame ? null : found;
  tell(`${found.layer}:${found.unit}`);
  if (data.looks && !isSame) bringIntoView(".st-key-unit_panel", performance.now());
}

// Scrolls to what a click opens, once it is there.
function bringIntoView(selector, since) {
  const found = document.querySelector(selector), calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (found) found.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
  else if (performance.now() - since < 15000) setTimeout(() => bringIntoView(selector, since), 100);
}

function wirePointer({ network }, data, state, draw, tell) {
  const at = (event) => {
    const box = network.getBoundingClientRect();
    const found = unitAt(state.layout, event.clientX - box.left, event.clientY - box.top);
    return found && { layer: found.layer.name, unit: found.unit };
  };
  const point = (found) => {
    const same = (a, b) => a === b || (a && b && a.layer === b.layer && a.unit === b.unit);
    if (same(found, state.pointed)) return;
    state.pointed = found;
    network.style.cursor = found ? "pointer" : "default";
    draw();
  };
  network.onpointermove = (event) => point(at(event));
  network.onpointerleave = () => point(null);
  network.onclick = (event) => {
    const found = at(event);
    if (!found) return;
    state.pointed = found;
    choose(data, state, found, tell);
    draw();
  };
}

// Left and right go from unit to unit, up and down from layer to layer.
function wireKeys({ network }, data, state, draw, tell) {
  network.onkeydown = (event) => {
    const layers = shownLayers(data), last = layers.length - 1;
    const place = Math.max(0, layers.findIndex((layer) => layer.name === state.pointed?.layer));
    const unit = state.pointed?.unit ?? -1, most = layers[place].bits ? layers[place].units - 1 : -1;
    const to = (layer, next) => ({ layer: layers[layer].name, unit: next });
    const steps = {
      ArrowRight: () => to(place, Math.min(most, unit + 1)), ArrowLeft: () => to(place, Math.max(-1, unit - 1)),
      ArrowDown: () => to(Math.min(last, place + (state.pointed ? 1 : 0)), -1), ArrowUp: () => to(Math.max(0, place - 1), -1),
      Home: () => to(0, -1), End: () => to(last, -1), Escape: () => null,
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (state.pointed) choose(data, state, state.pointed, tell);
    } else if (event.key in steps) {
      event.preventDefault();
      state.pointed = steps[event.key]();
    } else return;
    draw();
  };
  network.onfocus = () => { if (!state.pointed) { state.pointed = { layer: shownLayers(data)[0].name, unit: -1 }; draw(); } };
}
