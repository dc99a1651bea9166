// Runs a plain network in the browser: convolutions, linear layers, ReLU and max-pooling, in double precision sums.

const ARRAYS = { F32: Float32Array, U8: Uint8Array };

// Reads a safetensors file: name -> { shape, data }.
function tensorsOf(buffer) {
  const view = new DataView(buffer), size = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const found = {};
  for (const [name, { shape, dtype, data_offsets: [from, to] }] of Object.entries(header)) {
    if (name === "__metadata__" || !(dtype in ARRAYS)) continue;
    found[name] = { shape, data: new ARRAYS[dtype](buffer.slice(8 + size + from, 8 + size + to)) };
  }
  return found;
}

// Splits names such as "9/conv1.weight" by level.
function byLevel(tensors) {
  const levels = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const slash = name.indexOf("/");
    (levels[name.slice(0, slash)] ??= {})[name.slice(slash + 1)] = tensor;
  }
  return levels;
}

const DOES = {
  conv({ data, shape: [channels, height, width] }, { padding: pad, stride }, weight, bias) {
    const [filters, , high, wide] = weight.shape;
    const h = Math.floor((height + 2 * pad - high) / stride) + 1, w = Math.floor((width + 2 * pad - wide) / stride) + 1;
    const made = new Float64Array(filters * h * w);
    for (let filter = 0; filter < filters; filter++) {
      const start = filter * h * w;
      if (bias) made.fill(bias.data[filter], start, start + h * w);
      for (let channel = 0; channel < channels; channel++) {
        for (let i = 0; i < high; i++) for (let j = 0; j < wide; j++) {
          const by = weight.data[((filter * channels + channel) * high + i) * wide + j];
          if (by === 0) continue;
          for (let y = 0; y < h; y++) {
            const row = y * stride + i - pad;
            if (row < 0 || row >= height) continue;
            const from = (channel * height + row) * width, to = start + y * w;
            for (let x = 0; x < w; x++) {
              const column = x * stride + j - pad;
              if (column >= 0 && column < width) made[to + x] += by * data[from + column];
            }
          }
        }
      }
    }
    return { data: made, shape: [filters, h, w] };
  },
  linear({ data }, _, weight, bias) {
    const [outputs, inputs] = weight.shape, made = new Float64Array(outputs);
    for (let output = 0; output < outputs; output++) {
      let sum = bias ? bias.data[output] : 0;
      const row = output * inputs;
      for (let input = 0; input < inputs; input++) sum += weight.data[row + input] * data[input];
      made[output] = sum;
    }
    return { data: made, shape: [outputs] };
  },
  relu: ({ data, shape }) => ({ data: data.map((value) => (value > 0 ? value : 0)), shape }),
  pool({ data, shape: [channels, height, width] }, { size, stride }) {
    const h = Math.floor((height - size) / stride) + 1, w = Math.floor((width - size) / stride) + 1;
    const made = new Float64Array(channels * h * w);
    for (let channel = 0; channel < channels; channel++) for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      let most = -Infinity;
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) {
        most = Math.max(most, data[(channel * height + y * stride + i) * width + x * stride + j]);
      }
      made[(channel * h + y) * w + x] = most;
    }
    return { data: made, shape: [channels, h, w] };
  },
  flatten: ({ data }) => ({ data, shape: [data.length] }),
};

// Runs the steps.  `kept` silences units: layer -> bits, of a network that is not cut.  Returns what every layer gives
// once it is rectified, by name, and the outputs.
function forward(steps, weights, image, shape, kept = {}) {
  let value = { data: image, shape }, layer = null;
  const maps = {};
  for (const step of steps) {
    value = DOES[step.does](value, step, weights[`${step.name}.weight`], weights[`${step.name}.bias`]);
    if (step.does === "conv" || step.does === "linear") layer = step.name;
    if (layer && kept[layer] && (step.does === "conv" || step.does === "linear" || step.does === "relu")) silence(value, kept[layer]);
    if (layer && (step.does === "conv" || step.does === "linear" || step.does === "relu")) maps[layer] = value;
  }
  return { maps, outputs: value.data };
}

function silence({ data, shape }, bits) {
  const size = data.length / shape[0];
  bits.forEach((bit, unit) => { if (!bit) data.fill(0, unit * size, (unit + 1) * size); });
}

function softmax(values) {
  const most = Math.max(...values), powers = Array.from(values, (value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

const largest = (values) => values.reduce((best, value, place) => (value > values[best] ? place : best), 0);
