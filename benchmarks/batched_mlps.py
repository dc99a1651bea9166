"""Batched perceptrons against the plain loop: `python -m benchmarks.batched_mlps [--json] [--seeds 100]`.

Trains the networks of ``mipp_core.limits.memorisation`` (30 points, two hidden layers of 50, Adam) twice in one run:
all seeds at once as the package does, and one torch nn.Sequential per seed.  Prints seconds, their ratio, and the
largest difference between weights: in single precision, which the package uses, and in double, where roundings are so
small that any difference would be one of method.
"""

import argparse
import json
import time
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.limits.memorisation import FULL, Memorisation, random_points
from mipp_core.limits.mlp_training import Points, logistic, trained
from mipp_core.limits.mlps import Mlps, drawn


def doubled(networks: Mlps) -> Mlps:
    """Return networks in double precision."""
    return Mlps(tuple(each.double() for each in networks.weights), tuple(each.double() for each in networks.biases))


def model_of(networks: Mlps, seed: int) -> nn.Sequential:
    """Return one of many networks as torch has it."""
    layers: list[nn.Module] = []
    for weights, biases in zip(networks.weights, networks.biases, strict=True):
        linear = nn.Linear(weights.shape[2], weights.shape[1], dtype=weights.dtype)
        linear.load_state_dict({"weight": weights[seed], "bias": biases[seed]})
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def plainly(start: Mlps, points: Points, how: Memorisation) -> list[list[Tensor]]:
    """Train one network after another; return each one's weights."""
    found = []
    for seed in range(len(start)):
        model = model_of(start, seed)
        optimiser = torch.optim.Adam(model.parameters(), how.rate)
        for _ in range(how.epochs):
            optimiser.zero_grad()
            functional.soft_margin_loss(model(points.inputs[seed]).squeeze(1), points.wanted[seed]).backward()
            optimiser.step()
        found.append([layer.weight.detach() for layer in model if isinstance(layer, nn.Linear)])
    return found


def compared(how: Memorisation, precise: bool) -> dict[str, Any]:
    """Train both ways; return seconds, their ratio and the largest difference."""
    points, start = random_points(how), drawn(how.sizes, range(how.seeds))
    if precise:
        points = replace(points, inputs=points.inputs.double(), wanted=points.wanted.double())
        start = doubled(start)
    began = time.perf_counter()
    fast = trained(start, points, how.training, logistic)
    between = time.perf_counter()
    slow = plainly(start, points, how)
    ended = time.perf_counter()
    pairs = [(fast.weights[place][seed], each) for seed, own in enumerate(slow) for place, each in enumerate(own)]
    return {
        "precision": "double" if precise else "single",
        "seeds": how.seeds,
        "epochs": how.epochs,
        "seconds": between - began,
        "plain": ended - between,
        "ratio": (ended - between) / (between - began),
        "difference": max((one - other).abs().max().item() for one, other in pairs),
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    """Print a line per precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    how = replace(FULL, seeds=options.seeds, epochs=options.epochs)
    rows = [compared(how, precise) for precise in (False, True)]
    if options.json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    for row in rows:
        times = f"{row['seconds']:.2f} s, plain {row['plain']:.1f} s, {row['ratio']:.1f}x"
        print(f"{row['precision']}, {row['seeds']} seeds: {times}; differ by {row['difference']:.1e} at most")


if __name__ == "__main__":
    main()
