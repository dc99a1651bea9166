// Plays a run's decisions, one after another: the unit on trial, its z against the line, the verdict, what is lost.

const SPEEDS = [1, 3, 10, 40, 200]; // trials per second

// What of a layer is drawn as kept: at the point that is looked at, as far as the replay has got, or as cut by hand.
function bitsOf(state, layer) {
  if (!layer.bits) return null;
  const playing = (state.replay ?? state.mine)?.bits[layer.name];
  if (!playing) return layer.bits[state.at];
  return playing.length === layer.units ? playing : anyChannel(playing, layer.units);
}

// The trials that hold at one level, in the order in which they were held.
function trialsAt(columns, level) {
  const found = [];
  columns.layer.forEach((layer, row) => {
    if (columns.first_level[row] > level || columns.last_level[row] < level) return;
    const gains = columns.gains[row];
    found.push({
      layer, unit: columns.unit[row], z: columns.z[row], together: columns.tested_with[row], kept: columns.removed_from[row] > level,
      gain: gains ? gains.reduce((sum, gain) => sum + gain, 0) / gains.length : 0,
    });
  });
  return found;
}

async function openReplay(data, state) {
  const answer = state.columns ? null : await fetch(new URL(`api/runs/${data.name}/decisions.json`, document.baseURI));
  if (answer && !answer.ok) throw new Error(`${answer.status}`);
  state.columns ??= await answer.json();
  const trials = trialsAt(state.columns, data.points[state.at].number);
  state.replay = { trials, step: 0, playing: false, bits: {}, lost: {} };
  seek(data, state, 0);
}

// Goes to a step: everything before it is decided.
function seek(data, state, step) {
  const replay = state.replay;
  replay.step = Math.max(0, Math.min(replay.trials.length, step));
  for (const layer of data.layers) replay.bits[layer.name] = new Uint8Array(layer.units).fill(1);
  replay.lost = {};
  for (const trial of replay.trials.slice(0, replay.step)) {
    if (trial.kept) continue;
    replay.bits[trial.layer][trial.unit] = 0;
    replay.lost[trial.layer] = (replay.lost[trial.layer] ?? 0) + trial.gain / trial.together;
  }
}

function wireReplay(parts, data, state, show) {
  parts.replay.hidden = !data.replays;
  const go = (step) => { seek(data, state, step); show(); };
  const start = async () => {
    if (state.replay) return true;
    try {
      await openReplay(data, state);
    } catch {
      parts.trial.hidden = false;
      parts.trialsaid.textContent = "The decisions of this run could not be fetched; reload the page.";
    }
    return !!state.replay;
  };
  const play = () => {
    if (!state.replay?.playing) return;
    const now = performance.now(), replay = state.replay;
    const due = Math.floor(((now - replay.since) / 1000) * SPEEDS[parts.speed.value]);
    if (due > 0) {
      replay.since = now;
      seek(data, state, replay.step + due);
      if (replay.step >= replay.trials.length) replay.playing = false;
      show();
    }
    requestAnimationFrame(play);
  };
  parts.play.onclick = async () => {
    if (!(await start())) return;
    const replay = state.replay;
    if (replay.step >= replay.trials.length) seek(data, state, 0);
    replay.playing = !replay.playing;
    replay.since = performance.now();
    show();
    requestAnimationFrame(play);
  };
  const by = async (steps) => {
    if (!(await start())) return;
    state.replay.playing = false;
    go(state.replay.step + steps);
  };
  parts.back.onclick = () => by(-1);
  parts.step.onclick = () => by(1);
  parts.stop.onclick = () => { state.replay = null; show(); };
  parts.speed.max = SPEEDS.length - 1;
  const name = () => parts.speed.setAttribute("aria-valuetext", plural(SPEEDS[parts.speed.value], "trial") + " per second");
  parts.speed.oninput = name;
  name();
}

function showReplay(parts, data, state) {
  if (!data.replays) return;
  const replay = state.replay;
  parts.play.textContent = replay?.playing ? "❚❚ Pause" : "▶ Play the decisions";
  for (const part of [parts.back, parts.stop, parts.speed.parentElement, parts.trial]) part.hidden = !replay;
  if (!replay) return;
  const trial = replay.trials[replay.step - 1];
  state.pointed = trial ? { layer: trial.layer, unit: trial.unit } : null;
  parts.trialsaid.textContent = trial ? said(data, state, trial) : `${replay.trials.length.toLocaleString("en")} decisions of ${data.points[state.at].named.toLowerCase()}, from the output to the input.`;
  drawScale(parts.scale, trial, data.points[state.at].needed);
}

function said(data, state, trial) {
  const { step, trials, lost } = state.replay, needed = data.points[state.at].needed;
  const together = trial.together > 1 ? `, tested with ${plural(trial.together - 1, "other")}` : "";
  const z = known(trial.z) ? `z ${trial.z.toFixed(2)}, needed ${needed.toFixed(2)}` : "without a test: it never varies, or nothing reads it";
  return `${step} of ${trials.length}: ${trial.layer}, unit ${trial.unit}${together}: ${z}: ${trial.kept ? "kept" : "removed"}. ` +
    `Reconstruction loss that the removed units of ${trial.layer} have added: ${(lost[trial.layer] ?? 0).toPrecision(3)}${lost[trial.layer] < 0 ? " (below zero: what is left is even fitted a little better)" : ""}.`;
}

// z on a line from -5 to 15, with the level's line; beyond it is drawn at the end.
function drawScale(host, trial, needed) {
  host.replaceChildren();
  const svg = make(host, "svg", { viewBox: "0 0 300 34", height: 34, "aria-hidden": "true" });
  const x = (z) => 8 + (284 * (Math.max(-5, Math.min(15, z)) + 5)) / 20;
  make(svg, "line", { x1: x(-5), x2: x(15), y1: 14, y2: 14, class: "grid", "stroke-width": 2 });
  for (const tick of [-5, 0, 5, 10, 15]) make(svg, "text", { x: x(tick), y: 31, "text-anchor": "middle", class: "soft" }, `${tick}`);
  make(svg, "line", { x1: x(needed), x2: x(needed), y1: 2, y2: 24, stroke: AMBER, "stroke-width": 3 });
  if (trial && known(trial.z)) make(svg, "circle", { cx: x(trial.z), cy: 14, r: 6, fill: trial.kept ? "currentColor" : "none", stroke: "currentColor", "stroke-width": 2 });
}
