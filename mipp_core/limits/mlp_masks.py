"""Global masks of single weights, for many perceptrons at once: before, without and after training.

All weights of a network are compared with each other; biases are never pruned.  Of equal scores the first stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits.mlp_training import Loss, Points, Trainer
from mipp_core.limits.mlps import Masks, Mlps, answers, stream

SHARE = 0.2
"""Of what is left, that a round of iterative magnitude pruning takes (Frankle and Carbin)."""

STEPS = 100
"""Of SynFlow, each of which takes the same share of what is left (Tanaka et al.)."""

Scores = Float[Tensor, "seeds weights"]


@dataclass(frozen=True)
class Task:
    """Networks that are to be pruned.

    Attributes:
        dense: trained.
        train: trains again from the start, with masks.
        points: that scores at initialisation are found on.
    """

    dense: Mlps
    train: Trainer
    points: Points

    @property
    def start(self) -> Mlps:
        """The networks before training."""
        return self.train.start

    @property
    def loss(self) -> Loss:
        """What they are trained to lower."""
        return self.train.loss


def kept_at(sparsity: float, weights: int) -> int:
    """Return how many weights stay at a sparsity, at least one.

    Raises:
        SettingError: the sparsity is not in [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise SettingError(f"The sparsity {sparsity:g} leaves no network; give 0 or more and less than 1, as 0.96.")
    return max(1, round((1 - sparsity) * weights))


def flat(weights: Sequence[Tensor]) -> Tensor:
    """Return all layers' weights as one row per network."""
    return torch.cat([each.flatten(1) for each in weights], 1)


def parts(keep: Bool[Tensor, "seeds weights"], like: Mlps) -> Masks:
    """Return a row per network as one mask per layer."""
    split = keep.split([each[0].numel() for each in like.weights], 1)
    return tuple(row.view_as(each) for row, each in zip(split, like.weights, strict=True))


def best(scores: Scores, kept: int) -> Bool[Tensor, "seeds weights"]:
    """Return a mask of exactly so many of the highest scores per network; of equal ones the first."""
    least = scores.kthvalue(scores.shape[1] - kept + 1, 1, keepdim=True).values
    above, equal = scores > least, scores == least
    return above | equal & (equal.cumsum(1) <= kept - above.sum(1, keepdim=True))


def _at_each(scores: Scores, task: Task, kept: Sequence[int]) -> list[Masks]:
    return [parts(best(scores, count), task.start) for count in kept]


def magnitude_after(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Largest trained weights (Han et al., arXiv 1506.02626)."""
    return _at_each(flat(task.dense.weights).abs(), task, kept)


def magnitude_at_init(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Largest initial weights: no look at the data."""
    return _at_each(flat(task.start.weights).abs(), task, kept)


def random(task: Task, kept: Sequence[int]) -> list[Masks]:
    """By chance: given its seed, no look at the data."""
    count = task.start.prunable
    rows = [torch.randperm(count, generator=stream(seed, "mask")).float() for seed in task.points.seeds]
    return _at_each(torch.stack(rows).to(task.start.weights[0].device), task, kept)


def _slopes(task: Task, create_graph: bool) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Return the initial weights and the gradient of each network's loss on all of its points."""
    weights = [each.detach().requires_grad_() for each in task.start.weights]
    networks = Mlps(tuple(weights), task.start.biases)
    total = task.loss(answers(networks, task.points.inputs), task.points.wanted).sum()
    return weights, torch.autograd.grad(total, weights, create_graph=create_graph)


def snip(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Largest |w dL/dw| at initialisation (Lee et al., arXiv 1810.02340)."""
    weights, slopes = _slopes(task, create_graph=False)
    return _at_each(flat([(w * g).abs().detach() for w, g in zip(weights, slopes, strict=True)]), task, kept)


def grasp(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Largest w Hg at initialisation: what would take the most gradient away (Wang et al., arXiv 2002.07376)."""
    weights, slopes = _slopes(task, create_graph=True)
    flow = torch.stack([(g * g.detach()).sum() for g in slopes]).sum()
    curved = torch.autograd.grad(flow, weights)
    return _at_each(flat([(w * h).detach() for w, h in zip(weights, curved, strict=True)]), task, kept)


def synflow(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Largest |w dR/dw| in 100 steps; R is the flow of ones through |weights| and |biases| (arXiv 2006.05467)."""
    count, found = task.start.prunable, []
    for least in kept:
        keep = parts(torch.ones_like(flat(task.start.weights), dtype=torch.bool), task.start)
        for step in range(1, STEPS + 1):
            scores = _flows(task.start.masked(keep)).where(flat(keep), -1.0)
            keep = parts(best(scores, round(count * (least / count) ** (step / STEPS))), task.start)
        found.append(keep)
    return found


def _flows(networks: Mlps) -> Scores:
    """Return |w dR/dw| of all weights, by hand: what flows in, times what flows on."""
    ahead = [torch.ones_like(networks.biases[-1])]
    for weights in networks.weights[:0:-1]:
        ahead.insert(0, torch.einsum("soi,so->si", weights.abs(), ahead[0]))
    flow, scores = torch.ones_like(networks.weights[0][:, 0]), []
    for weights, biases, on in zip(networks.weights, networks.biases, ahead, strict=True):
        scores.append(weights.abs() * flow.unsqueeze(1) * on.unsqueeze(2))
        flow = torch.einsum("soi,si->so", weights.abs(), flow) + biases.abs()
    return flat(scores)


def imp(task: Task, kept: Sequence[int]) -> list[Masks]:
    """Train, take the smallest fifth, rewind to the start, and again (Frankle and Carbin, arXiv 1803.03635)."""
    left, count, done = task.dense, task.start.prunable, dict[int, Masks]()
    keep, now, number = torch.ones_like(flat(left.weights), dtype=torch.bool), count, 0
    while len(done) < len(set(kept)):
        scores = flat(left.weights).abs().where(keep, -1.0)
        lower = max(1, round(count * (1 - SHARE) ** (number + 1)))
        done |= {each: parts(best(scores, each), task.start) for each in kept if lower <= each <= now}
        keep, now, number = best(scores, lower), lower, number + 1
        if len(done) < len(set(kept)):
            left = task.train(parts(keep, task.start), f"imp, round {number}")
    return [done[each] for each in kept]


Pruner = Callable[[Task, Sequence[int]], list[Masks]]
"""Of networks and how many weights are to stay: masks, for each of these numbers."""

MASKS: Mapping[str, Pruner] = MappingProxyType(
    {
        "magnitude-after": magnitude_after,
        "imp": imp,
        "grasp": grasp,
        "snip": snip,
        "synflow": synflow,
        "magnitude-at-init": magnitude_at_init,
        "random": random,
    }
)
"""Pruners by name, those of the exact toy."""

Found = Callable[[str, int, Masks, str], dict[str, Any]]
"""Is given a pruner's name, how many weights stay, the masks, and words for the training; returns what was found."""


def swept(task: Task, pruners: Sequence[str], sparsities: Sequence[float], found: Found) -> list[dict[str, Any]]:
    """Prune in every way to every sparsity; return a row each: ``pruner``, ``sparsity``, ``kept``, what was found."""
    kept, rows = [kept_at(sparsity, task.start.prunable) for sparsity in sparsities], []
    for name in pruners:
        for sparsity, count, keep in zip(sparsities, kept, MASKS[name](task, kept), strict=True):
            row = {"pruner": name, "sparsity": sparsity, "kept": count}
            rows.append(row | found(name, count, keep, f"{name}, {sparsity:.1%} pruned"))
    return rows


BLIND = ("synflow", "magnitude-at-init", "random")
"""Those that do not look at the data: I(mask; data) is 0, given the initial weights and the seed."""


def known(names: Sequence[str]) -> None:
    """Refuse pruners that there are not.

    Raises:
        UnknownNameError: lists those that there are.
    """
    for name in names:
        if name not in MASKS:
            raise UnknownNameError("pruner of single weights", name, MASKS)


def trainings(names: Sequence[str], sparsities: Sequence[float]) -> int:
    """Return how often networks are trained in all: dense, in rounds, and once per mask."""
    rounds = ceil(log(1 - max(sparsities)) / log(1 - SHARE)) - 1 if "imp" in names else 0
    return 1 + max(0, rounds) + len(names) * len(sparsities)
