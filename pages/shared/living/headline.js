// The figures of a point: one headline, the accuracies as a legend of the curve, what was removed, and warnings.
function showHeadline(parts, data, point, state) {
  if (state.replay || state.mine) return showInstead(parts, data, state);
  const measure = last(data, point);
  parts.main.textContent = data.stage ? "Deciding" : measure ? percent(point.accuracy[measure]) : "…";
  parts.rest.textContent = data.stage ? `${data.stage}: units fall as they are decided` : measure
    ? `${called(data, measure).toLowerCase()}, ${lost(data, point.accuracy[measure])}, ${times(point.smaller)}`
    : `not measured yet, ${times(point.smaller)}`;
  for (const chip of parts.accuracies.children) {
    const value = chip.dataset.measure === "dense" ? data.dense : point.accuracy[chip.dataset.measure];
    chip.querySelector(".figure").textContent = known(value) ? percent(value) : "…";
  }
  const costs = known(point.macs) ? `, <b>${percent(point.parameters, 1)}</b> of parameters, <b>${percent(point.macs, 1)}</b> of MACs` : "";
  const image = data.layers.find((layer) => layer.kind === "pixel"), pixels = image ? `, <b>${percent(image.removed[state.at], 1)}</b> of pixels` : "";
  parts.removed.innerHTML = `<b>${percent(point.units, 1)}</b> of units${pixels}${costs} removed${data.stage ? " so far" : ""}`;
  parts.warning.textContent = data.stage ? "" : warning(point);
  parts.warning.className = `warning ${point.dead.length || point.untrainable ? "bad" : ""}`;
}

// What stands there while decisions are played, or units are cut by hand: nothing of the level's accuracy.
function showInstead(parts, data, state) {
  const { gone, share } = shareGone(data, (layer) => bitsOf(state, layer));
  parts.main.textContent = state.replay ? "Replay" : "Your cut";
  parts.rest.textContent = state.replay ? `of ${data.points[state.at].named.toLowerCase()}, from the output to the input` : "measured below, right after cutting";
  for (const chip of parts.accuracies.children) chip.querySelector(".figure").textContent = chip.dataset.measure === "dense" ? percent(data.dense) : "–";
  parts.removed.innerHTML = `<b>${plural(gone, "unit")}</b>, ${percent(share, 1)}, removed${state.replay ? " so far" : ""}`;
  parts.warning.textContent = "";
}

function warning(point) {
  const few = (names) => names.slice(0, 4).join(", ") + (names.length > 4 ? ` and ${names.length - 4} more` : "");
  if (point.dead.length) return `⚠ Layer collapse: ${few(point.dead)} ${point.dead.length > 1 ? "have" : "has"} no unit left, so every image gets one answer.`;
  if (point.untrainable) return "⚠ Untrainable: every layer has units left, but retraining stayed at chance.";
  if (point.passed.length) return `Passed by: ${few(point.passed)} ${point.passed.length > 1 ? "have" : "has"} no unit left; the stream goes round.`;
  return "✓ No layer has collapsed.";
}

function fillAccuracies(host, data) {
  const measures = [...(known(data.dense) ? ["dense"] : []), ...data.measures];
  host.replaceChildren(...measures.map((measure) => {
    const chip = document.createElement("span"), swatch = document.createElement("i"), figure = document.createElement("b");
    chip.dataset.measure = measure;
    swatch.style.background = INK[measure];
    figure.className = "figure";
    chip.append(swatch, `${called(data, measure)} `, figure);
    return chip;
  }));
}

// The slider: a range of the browser's own, which speaks; it moves while dragged and tells when it is let go.
function wireSlider(input, data, state, onMove, onRest) {
  input.max = data.points.length - 1;
  input.setAttribute("aria-label", data.axis);
  input.disabled = data.points.length < 2;
  input.oninput = () => onMove(Number(input.value));
  input.onchange = () => onRest();
}
