"""Many perceptrons trained at once: losses are summed over networks, so that none of them hears of the others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mipp_core.errors import SettingError
from mipp_core.limits.mlps import Masks, Mlps, answers, stream
from mipp_core.vocabulary import Progress, Report, silent

Loss = Callable[[Float[Tensor, "seeds n outputs"], Shaped[Tensor, "seeds n"]], Float[Tensor, " seeds"]]
"""Of outputs and what is wanted of them: the mean over points, per seed."""


def logistic(said: Float[Tensor, "seeds n 1"], labels: Float[Tensor, "seeds n"]) -> Float[Tensor, " seeds"]:
    """Return the logistic loss in nats; labels are -1 or 1."""
    return functional.softplus(-labels * said.squeeze(2)).mean(1)


def cross_entropy(said: Float[Tensor, "seeds n classes"], labels: Shaped[Tensor, "seeds n"]) -> Float[Tensor, " seeds"]:
    """Return the cross-entropy in nats; labels are class indices."""
    return functional.cross_entropy(said.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels).mean(1)


def squared(said: Float[Tensor, "seeds n 1"], wanted: Float[Tensor, "seeds n"]) -> Float[Tensor, " seeds"]:
    """Return the squared error."""
    return (said.squeeze(2) - wanted).square().mean(1)


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {"logistic": logistic, "cross-entropy": cross_entropy, "squared": squared}
)
"""Losses by name."""


@dataclass(frozen=True)
class Points:
    """Data of each network.

    Attributes:
        inputs: one set per network; an expanded view where all share them.
        wanted: labels, class indices or numbers, as the loss needs them.
        seeds: of the networks; they set the order of minibatches.
    """

    inputs: Float[Tensor, "seeds n features"]
    wanted: Shaped[Tensor, "seeds n"]
    seeds: tuple[int, ...]

    def batches(self, size: int, generators: list[torch.Generator]) -> Iterator["Points"]:
        """Yield one epoch in each network's own random order; everything at once, in its own order, for size 0."""
        count = self.wanted.shape[1]
        if not size or size >= count:
            yield self
            return
        orders = torch.stack([torch.randperm(count, generator=each) for each in generators]).to(self.wanted.device)
        rows = torch.arange(len(orders), device=orders.device).unsqueeze(1)
        for index in orders.split(size, 1):
            yield Points(self.inputs[rows, index], self.wanted[rows, index], self.seeds)


@dataclass(frozen=True)
class Training:
    """How networks are trained.

    Attributes:
        epochs: over all points, 0 or more.
        rate: of learning, above 0.
        optimiser: Adam with its usual moments, or plain gradient descent.
        batch: points per step; 0 for all.

    Raises:
        SettingError: a value is out of range.
    """

    epochs: int
    rate: float
    optimiser: Literal["adam", "sgd"] = "adam"
    batch: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch < 0 or not 0 < self.rate < inf:
            raise SettingError(
                f"Training was asked for {self.epochs} epochs at the rate {self.rate:g} with {self.batch} points per "
                "step; give 0 epochs or more, a rate above 0, as 0.01, and 0 points (all) or more."
            )


After = Callable[[int, Mlps], bool]
"""Receives an epoch's number, from 0 on, and the networks; tells whether that is enough."""


def trained(
    start: Mlps,
    points: Points,
    how: Training,
    loss: Loss,
    keep: Masks | None = None,
    after: After | None = None,
) -> Mlps:
    """Train each network on its own points.

    Args:
        start: left as it is.
        points: of each network.
        how: the optimiser and how long.
        loss: one of ``LOSSES``.
        keep: weights that stay; all by default.  Removed ones are 0 before and after.
        after: called at the end of every epoch; may raise ``CancelledError``.
    """
    networks = start.masked(keep)
    parameters = [each.requires_grad_() for each in (*networks.weights, *networks.biases)]
    kind = torch.optim.Adam if how.optimiser == "adam" else torch.optim.SGD
    optimiser = kind(parameters, lr=how.rate, fused=True)
    generators = [stream(seed, "order") for seed in points.seeds]
    for epoch in range(how.epochs):
        for batch in points.batches(how.batch, generators):
            optimiser.zero_grad()
            loss(answers(networks, batch.inputs), batch.wanted).sum().backward()
            for weights, kept in zip(networks.weights, keep or (), strict=False):
                assert weights.grad is not None
                weights.grad.mul_(kept)
            optimiser.step()
        if after is not None and after(epoch, networks):
            break
    return Mlps(tuple(each.detach() for each in networks.weights), tuple(each.detach() for each in networks.biases))


class Trainer:
    """Trains networks from one start, again and again with other masks, and says how far the whole of it is.

    Attributes:
        start: the networks before training.
        points: their data.
        how: they are trained.
        loss: of ``LOSSES``.
    """

    def __init__(
        self, start: Mlps, points: Points, how: Training, loss: Loss, report: Report = silent, planned: int = 1
    ) -> None:
        self.start, self.points, self.how, self.loss = start, points, how, loss
        self._report, self._planned, self._done = report, planned, 0

    def __call__(self, keep: Masks | None, words: str, after: After | None = None) -> Mlps:
        """Train once; ``after`` is called at the end of every epoch.

        Raises:
            SettingError: training diverges.
        """

        def ended(epoch: int, networks: Mlps) -> bool:
            share = (self._done + (epoch + 1) / self.how.epochs) / self._planned
            self._report(Progress(words, min(1.0, share)))
            return after is not None and after(epoch, networks)

        self._report(Progress(words, min(1.0, self._done / self._planned)))
        found = trained(self.start, self.points, self.how, self.loss, keep, ended)
        if not all(each.isfinite().all() for each in (*found.weights, *found.biases)):
            raise SettingError(f"Training diverged at the learning rate {self.how.rate:g}; give a lower one, as 0.001.")
        self._done += 1
        return found


def known_range(value: int | float, what: str, least: int | float, most: int | float) -> None:
    """Refuse a setting that is out of range.

    Raises:
        SettingError: says the value, its limits and what to give.
    """
    if not least <= value <= most:
        raise SettingError(f"The study was asked for {value:g} {what}; give {least:g} to {most:g}.")
