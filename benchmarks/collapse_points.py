"""How far can weights be pruned before a layer is empty?  `python -m benchmarks.collapse_points`

The critical compression of unstructured pruning at initialisation: the largest log10(weights / weights kept) at which
every one of VGG16's 14 layers still has a weight, compared with the values read off Figure 1 of the SynFlow paper
(Tanaka et al., arXiv 2006.05467; VGG16, CIFAR-100).  No training is needed.  Exits with 0 if all five are within half a
decade.

As in the paper's code, weights are drawn by Kaiming's normal initialisation, and biases are 0 and not pruned; with
PyTorch's bounded uniform weights, magnitude empties the wide layers much earlier.  CIFAR was not available: images are
noise with the 1/f spectrum of photographs, and labels take turns.  Random, magnitude and SynFlow do not use them; SNIP
and GraSP do, so their results hold for such images only.  GraSP takes 10 images per class in its authors' code, which
needs about 8 GB.  Random is the mean of 20 draws, since a single one is off by up to half a decade.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.models import MODELS
from mipp_core.pruners.grasp import Grasp
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.snip import Snip
from mipp_core.pruners.synflow import SynFlow
from mipp_core.pruners.weight_scores import WeightScores, weights_of

CLASSES = 100
PUBLISHED = {"random": 3.3, "magnitude": 2.75, "snip": 3.5, "grasp": 3.5, "synflow": 6.0}
DRAWS = 20
STEP = 0.25
"""Step of the grid on which SynFlow is tried, in decades; the others are found exactly."""


def network(seed: int) -> nn.Module:
    """Return VGG16 at the initialisation of the paper's code, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS["vgg16"].build(MODELS["vgg16"].widths, (3, 32, 32), CLASSES)
        for weight in weights_of(model).values():
            nn.init.kaiming_normal_(weight)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    return model.eval()


def photographs(count: int, seed: int, side: int = 32) -> Split:
    """Return noise with a 1/f amplitude spectrum, of mean 0 and variance 1; its classes take turns."""
    white = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))
    cycles = torch.fft.fftfreq(side)
    distance = (cycles[:, None] ** 2 + cycles**2).sqrt()
    distance[0, 0] = 1 / side
    pink = torch.fft.ifft2(torch.fft.fft2(white) / distance).real
    return Split((pink - pink.mean()) / pink.std(), torch.arange(count) % CLASSES)


def critical(scores: Mapping[str, Float[Tensor, "..."]]) -> float:
    """Return the critical compression of weights that are scored once, in decades.

    A layer is empty once its best weight is removed, so what counts is the worst rank, over layers, of a layer's best
    weight.  Of equal scores the first weight stays.
    """
    flat = torch.cat([values.flatten().double() for values in scores.values()])
    rank = torch.empty(len(flat), dtype=torch.int64)
    rank[flat.argsort(descending=True, stable=True)] = torch.arange(1, len(flat) + 1)
    best = [int(ranks.min()) for ranks in rank.split([values.numel() for values in scores.values()])]
    return math.log10(len(flat) / max(best))


def survivors(model: nn.Module, score: Callable[[], WeightScores], compression: float, rounds: int) -> list[int]:
    """Prune a network's weights in rounds, in place, and return how many each layer has left.

    Args:
        model: its weights are set to 0 as they are removed.
        score: returns the scores of the network as it is.
        compression: log10(weights / weights kept) at the end.
        rounds: after round k a share of 10^(-compression k / rounds) is left.
    """
    weights = weights_of(model)
    sizes = [weight.numel() for weight in weights.values()]
    alive = torch.arange(sum(sizes))
    for number in range(1, rounds + 1):
        count = max(1, int(sum(sizes) * 10 ** (-compression * number / rounds) + 1e-9))
        flat = torch.cat([values.flatten() for values in score().values()])[alive]
        alive = alive[flat.argsort(descending=True, stable=True)[:count]].sort().values
        keep = torch.zeros(sum(sizes), dtype=torch.bool)
        keep[alive] = True
        with torch.no_grad():
            for weight, stays in zip(weights.values(), keep.split(sizes), strict=True):
                weight[~stays.view_as(weight)] = 0
    return [int(stays.sum()) for stays in keep.split(sizes)]


def synflow(seed: int, highest: float) -> float:
    """Return SynFlow's critical compression in 100 rounds, on a grid, searched downwards from the highest.

    More than 6.02 is impossible: that is one weight per layer.  SynFlow may fail below a compression that it survives,
    so a bisection could go wrong.
    """
    nothing = photographs(1, seed)
    for steps in range(round(highest / STEP), 0, -1):
        model = network(seed)
        if min(survivors(model, lambda model=model: SynFlow().weight_scores(model, nothing, seed), steps * STEP, 100)):
            return steps * STEP
    return 0.0


def draws(model: nn.Module, seed: int) -> Iterator[WeightScores]:
    """Yield random scores of every weight."""
    chance = torch.Generator().manual_seed(seed)
    for _ in range(DRAWS):
        yield {name: torch.rand(weight.shape, generator=chance) for name, weight in weights_of(model).items()}


def found(seed: int, per_class: int) -> dict[str, float]:
    """Return every method's critical compression for one network."""
    model, data = network(seed), photographs(1000, seed)
    return {
        "random": sum(critical(draw) for draw in draws(model, seed)) / DRAWS,
        "magnitude": critical(Magnitude().weight_scores(model, data, seed)),
        "snip": critical(Snip(samples=1000).weight_scores(model, data, seed)),
        "grasp": critical(Grasp(per_class=per_class).weight_scores(model, data, seed)),
        "synflow": synflow(seed, 6.0),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--per-class", type=int, default=5, help="GraSP's images per class")
    chosen = parser.parse_args()
    rows = [found(seed, chosen.per_class) for seed in range(chosen.seeds)]
    print(f"log10 compression at which a layer of VGG16 has no weight left, {chosen.seeds} seeds, images of 1/f noise")
    far = 0
    for name, published in PUBLISHED.items():
        values = [row[name] for row in rows]
        mean = sum(values) / len(values)
        far += abs(mean - published) > 0.5
        words = ", ".join(f"{value:.2f}" for value in values)
        print(f"{name:10} published {published:.2f}   here {mean:.2f} ({words})   difference {mean - published:+.2f}")
    return int(far > 0)


if __name__ == "__main__":
    sys.exit(main())
