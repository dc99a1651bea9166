// What every view that is drawn as SVG uses; a view's own script follows it.
const SVG = "http://www.w3.org/2000/svg";

function make(parent, tag, attributes = {}, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.appendChild(node);
  return node;
}

const path = (points) => points.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// Moves the value of a slider by key: by one, by a page, or to an end.
function press(event, onMove, now, most, page) {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -page, PageUp: page, Home: -most, End: most };
  if (!(event.key in steps)) return;
  event.preventDefault();
  onMove(now + steps[event.key]);
}

