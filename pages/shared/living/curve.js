// Accuracy against units removed, with the place that is looked at.
const EDGE = { left: 38, right: 10, top: 12, bottom: 34 };

function drawCurve(host, data, onMove) {
  host.replaceChildren();
  const svg = make(host, "svg", { role: "img", "aria-label": "Test accuracy by share of units removed" });
  let width = 300, height = 200, marker = null;
  const x = (share) => EDGE.left + (width - EDGE.left - EDGE.right) * share;
  const y = (accuracy) => EDGE.top + (height - EDGE.top - EDGE.bottom) * (1 - accuracy);

  function resize() {
    width = Math.max(240, host.clientWidth);
    height = width > 420 ? 190 : 210;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      make(svg, "line", { x1: x(0), x2: x(1), y1: y(tick), y2: y(tick), class: "grid" });
      make(svg, "text", { x: EDGE.left - 6, y: y(tick) + 4, "text-anchor": "end", class: "soft" }, `${100 * tick}`);
      make(svg, "text", { x: x(tick), y: height - 18, "text-anchor": "middle", class: "soft" }, `${100 * tick}`);
    }
    make(svg, "text", { x: (x(0) + x(1)) / 2, y: height - 3, "text-anchor": "middle", class: "soft" }, "units removed, %");
    if (known(data.dense)) make(svg, "line", { x1: x(0), x2: x(1), y1: y(data.dense), y2: y(data.dense), stroke: INK.dense, "stroke-dasharray": "3 3", "stroke-width": 1.5 });
    for (const measure of data.measures) drawMeasure(svg, data, measure, x, y);
    marker = make(svg, "line", { y1: EDGE.top - 6, y2: height - EDGE.bottom, stroke: AMBER, "stroke-width": 3 });
  }

  svg.onpointerdown = (event) => {
    const box = svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) * width) / box.width - EDGE.left) / (width - EDGE.left - EDGE.right);
    const far = (place) => Math.abs(data.points[place].units - share);
    onMove(data.points.reduce((best, _, place) => (far(place) < far(best) ? place : best), 0));
  };

  function place(at) {
    marker.setAttribute("x1", x(data.points[at].units));
    marker.setAttribute("x2", x(data.points[at].units));
  }
  return { place, resize };
}

function drawMeasure(svg, data, measure, x, y) {
  const found = data.points.filter((point) => known(point.accuracy[measure])).sort((a, b) => a.units - b.units);
  const places = found.map((point) => [x(point.units), y(point.accuracy[measure])]);
  make(svg, "path", { d: path(places), fill: "none", stroke: INK[measure], "stroke-width": 2 });
  for (const [cx, cy] of places) make(svg, "circle", { cx, cy, r: 2.4, fill: INK[measure] });
}
