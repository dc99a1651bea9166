// What a run's figures are called and how they are written.
const INK = { pruned: "#D55E00", recalibrated: "#CC79A7", rebuilt: "#009E73", retrained: "#0072B2", dense: "#888888" };
const SAID = { pruned: "Cut", recalibrated: "Recalibrated", rebuilt: "Rebuilt", retrained: "Retrained", dense: "Dense" };
const AMBER = "#E69F00";

const percent = (share, places = 2) => `${(100 * share).toFixed(places)}%`;
const known = (value) => value !== null && value !== undefined;

function times(ratio) {
  if (!known(ratio)) return "nothing left";
  return ratio < 1.05 ? "as many parameters as before" : `${ratio.toFixed(ratio < 10 ? 1 : 0)} times fewer parameters`;
}

function called(data, measure) {
  return measure === "retrained" && !data.trained ? "Trained" : SAID[measure];
}

// The measure that sums a point up: the last of the run's that is known there.
function last(data, point) {
  return [...data.measures].reverse().find((measure) => known(point.accuracy[measure]));
}

function lost(data, accuracy) {
  if (!known(data.dense)) return "";
  const points = 100 * (data.dense - accuracy);
  return Math.abs(points) < 0.005 ? "nothing lost" : `${Math.abs(points).toFixed(2)} points ${points > 0 ? "lost" : "gained"}`;
}

// What the slider says of a point, to those who hear it.
function spoken(data, point) {
  const measure = last(data, point);
  const accuracy = measure ? `, ${percent(point.accuracy[measure], 1)} accuracy ${called(data, measure).toLowerCase()}` : "";
  const dead = point.dead.length ? `, layer collapse: ${point.dead.join(", ")}` : "";
  return `${point.named}${point.asks ? `, ${point.asks}` : ""}, ${percent(point.units, 0)} of units removed${accuracy}${dead}`;
}

// Bits of every layer, point after point, as they were packed.
function unpacked(layer, points) {
  const packed = Uint8Array.from(atob(layer.kept), (letter) => letter.charCodeAt(0));
  const bit = (place) => (packed[place >> 3] >> (7 - (place & 7))) & 1;
  return Array.from({ length: points }, (_, point) => Uint8Array.from({ length: layer.units }, (_, unit) => bit(point * layer.units + unit)));
}

const counted = (bits) => bits.reduce((sum, bit) => sum + bit, 0);

// At which points a unit is gone, in words.
function fate(data, layer, unit) {
  const gone = layer.bits.map((bits) => !bits[unit]);
  if (!gone.includes(true)) return "kept throughout";
  const first = gone.indexOf(true), again = gone.indexOf(false, first);
  if (data.points.length === 1) return "removed";
  const named = (place) => data.points[place].named;
  if (again < 0) return `goes at ${named(first)}`;
  return `goes at ${named(first)}, comes back at ${named(again)}${gone.indexOf(true, again) < 0 ? "" : ", and goes again"}`;
}
