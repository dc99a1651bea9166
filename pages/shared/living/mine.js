// Cutting by hand: a click takes a unit or gives it back, and test images tell at once what the cut is worth.
const JUDGED = 300, AT_ONCE = 25;

// Masks as a short text for the address: a bit per unit, layer after layer, 1 = kept.
function codeOf(data, bits) {
  const all = data.layers.flatMap((layer) => Array.from(bits[layer.name]));
  const bytes = new Uint8Array(Math.ceil(all.length / 8));
  all.forEach((bit, place) => { bytes[place >> 3] |= bit << (7 - (place & 7)); });
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decoded(data, code) {
  const bytes = Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  let place = 0;
  const next = () => (bytes[place >> 3] >> (7 - (place++ & 7))) & 1;
  return Object.fromEntries(data.layers.map((layer) => [layer.name, Uint8Array.from({ length: layer.units }, next)]));
}

function wireMine(parts, data, state, show, tell) {
  parts.own.hidden = !data.cuts;
  if (!data.cuts) return;
  if (data.mine && !state.mine) state.mine = { bits: decoded(data, data.mine) };
  const begin = (bits) => { state.replay = null; state.mine = { bits }; show(); told(); };
  const told = () => { judge(parts, data, state); tell(codeOf(data, state.mine.bits)); };
  const whole = () => Object.fromEntries(data.layers.map((layer) => [layer.name, new Uint8Array(layer.units).fill(1)]));
  const here = () => Object.fromEntries(data.layers.map((layer) => [layer.name, Uint8Array.from(layer.bits[state.at])]));
  parts.begin.onclick = () => begin(whole());
  parts.from.onclick = () => begin(here());
  parts.end.onclick = () => { state.mine = null; show(); tell(""); };
  state.toggle = ({ layer, unit }) => {
    if (unit < 0) return;
    state.mine.bits[layer][unit] ^= 1;
    show();
    told();
  };
  if (state.mine) judge(parts, data, state);
}

function shareGone(data, bitsOfLayer) {
  const own = data.layers.filter((layer) => layer.kind !== "pixel");
  const gone = own.reduce((sum, layer) => sum + layer.units - counted(bitsOfLayer(layer)), 0);
  return { gone, share: gone / own.reduce((sum, layer) => sum + layer.units, 0) };
}

// The run's point that removes a share of the units nearest to one's own.
function nearestPoint(data, share) {
  const far = (at) => Math.abs(data.points[at].units - share);
  return data.points.reduce((best, _, at) => (far(at) < far(best) ? at : best), 0);
}

// Counts what is right of some test images, a few at a time, for one's own cut and for the run's nearest.
function judge(parts, data, state) {
  const mine = state.mine, ticket = (state.ticket = {});
  if (!ready(state)) { state.judgeLater = true; return; }
  const { gone, share } = shareGone(data, (layer) => mine.bits[layer.name]), at = nearestPoint(data, share);
  const theirs = Object.fromEntries(data.layers.map((layer) => [layer.name, layer.bits[at]]));
  const known = (state.judged ??= {}), count = Math.min(JUDGED, state.digits.labels.length);
  const own = { right: 0 }, other = known[at] ?? { right: 0, seen: 0 };
  known[at] = other;
  const step = (from) => {
    if (state.ticket !== ticket) return;
    for (let image = from; image < Math.min(count, from + AT_ONCE); image++) {
      own.right += reads(data, state, image, mine.bits);
      if (other.seen <= image) { other.right += reads(data, state, image, theirs); other.seen = image + 1; }
    }
    const seen = Math.min(count, from + AT_ONCE);
    parts.ownsaid.textContent = verdictOf(data, { gone, share, at }, own.right / seen, other.right / Math.max(1, other.seen), seen);
    if (seen < count) setTimeout(() => step(seen));
  };
  step(0);
}

function reads(data, state, image, bits) {
  const size = data.image[0] * data.image[1] * data.image[2], { mean, std } = data.digits;
  const raw = state.digits.images.data.subarray(image * size, (image + 1) * size), channel = size / data.image[0];
  const pixels = data.layers.find((layer) => layer.kind === "pixel");
  const input = Float64Array.from(raw, (value, place) => {
    const seen = (value / 255 - mean[Math.floor(place / channel)]) / std[Math.floor(place / channel)];
    return pixels ? seen * bits[pixels.name][place] : seen;
  });
  return largest(forward(data.digits.steps, state.digits.networks.dense, input, data.image, bits).outputs) === state.digits.labels[image] ? 1 : 0;
}

function verdictOf(data, { gone, share, at }, own, theirs, seen) {
  const apart = own - theirs, error = 2 * Math.sqrt((own * (1 - own) + theirs * (1 - theirs)) / seen + 1e-9);
  const who = Math.abs(apart) <= error ? "A tie, as far as so few images can tell." : apart > 0 ? "You are ahead!" : "MIPP is ahead.";
  return `You removed ${plural(gone, "unit")} (${percent(share, 0)}): right after the cut ${percent(own, 1)} of ${seen} test images are read. ` +
    `The nearest level, ${data.points[at].named.toLowerCase()}, removes ${percent(data.points[at].units, 0)} of the units and reads ${percent(theirs, 1)}. ${who}`;
}
