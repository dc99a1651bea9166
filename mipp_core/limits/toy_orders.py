"""In which order pruners would take the toy's parameters away: one order per data set, for every number pruned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.errors import SettingError
from mipp_core.limits.toy import Cases, Networks, curvature_times, gradients, parts, trained
from mipp_core.vocabulary import Report, silent

Orders = Int[Tensor, "data_sets parameters"]


@dataclass(frozen=True)
class Setting:
    """How networks are trained.

    Attributes:
        epochs: of gradient descent on all points.
        rate: of learning.

    Raises:
        SettingError: a value is out of range.
    """

    epochs: int = 300
    rate: float = 0.5

    def __post_init__(self) -> None:
        if self.epochs < 0 or not 0 < self.rate < inf:
            raise SettingError(
                f"The toy was asked for {self.epochs} epochs at the learning rate {self.rate:g}; give 0 epochs or more "
                "and a rate above 0, as 300 and 0.5."
            )


@dataclass(frozen=True)
class Task:
    """One initialisation and all data sets.

    Attributes:
        start: the initial parameters.
        cases: the data sets.
        dense: the networks trained on each.
        setting: how.
        seed: of the initialisation.
        report: receives progress.
    """

    start: Float[Tensor, " parameters"]
    cases: Cases
    dense: Networks
    setting: Setting
    seed: int
    report: Report = silent

    @property
    def starts(self) -> Networks:
        """The initial parameters, once per data set."""
        return self.start.expand(len(self.cases), -1)


def _lowest_first(scores: Networks) -> Int[Tensor, "*networks parameters"]:
    """Order by score; of equals, which a dead unit's parameters are, the first goes first."""
    return scores.argsort(dim=-1, stable=True)


def _for_all(order: Int[Tensor, " parameters"], task: Task) -> Orders:
    return order.expand(len(task.cases), -1)


def magnitude_after(task: Task) -> Orders:
    """Smallest magnitudes of the trained weights first (Han et al., arXiv 1506.02626)."""
    return _lowest_first(task.dense.abs())


def magnitude_at_init(task: Task) -> Orders:
    """Smallest magnitudes of the initial weights first: no look at the data."""
    return _for_all(_lowest_first(task.start.abs()), task)


def random(task: Task) -> Orders:
    """By chance: given its seed, no look at the data."""
    return _for_all(torch.randperm(task.start.numel(), generator=torch.Generator().manual_seed(task.seed)), task)


def snip(task: Task) -> Orders:
    """Smallest |w dL/dw| at initialisation first (Lee et al., arXiv 1810.02340)."""
    return _lowest_first((task.starts * gradients(task.starts, task.cases)).abs())


def grasp(task: Task) -> Orders:
    """Largest -w Hg at initialisation first: without those, more gradient flows (Wang et al., arXiv 2002.07376)."""
    along = gradients(task.starts, task.cases)
    return _lowest_first(task.starts * curvature_times(task.starts, task.cases, along))


def synflow(task: Task) -> Orders:
    """Smallest |w dR/dw| first, anew after each; R is the flow of ones through |w| (arXiv 2006.05467)."""
    left, order = task.start.abs(), list[int]()
    for _ in range(len(left)):
        scores = left * _flow(left)
        scores[order] = inf
        order.append(int(scores.argmin()))
        left = left.clone()
        left[order[-1]] = 0
    return _for_all(torch.tensor(order), task)


def _flow(left: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
    """Return the gradient of the network's answer to an image of ones, all its parameters being positive."""
    weights, biases, out, _ = parts(left)
    hidden = weights.sum(-1) + biases
    return torch.cat([out.repeat_interleave(weights.shape[-1]), out, hidden, torch.ones(1, dtype=left.dtype)])


def imp(task: Task) -> Orders:
    """Train, take the smallest magnitude, rewind, and again (Frankle and Carbin, arXiv 1803.03635): one at a time."""
    keep, dense, order = torch.ones_like(task.dense), task.dense, list[Tensor]()
    for step in range(task.start.numel()):
        scores = torch.where(keep > 0, dense.abs(), torch.inf)
        order.append(scores.argmin(-1))
        keep = keep.scatter(-1, order[-1][:, None], 0.0)
        if step < task.start.numel() - 1:
            dense = trained(task.starts, task.cases, task.setting.epochs, task.setting.rate, keep)
    return torch.stack(order, -1)


ORDERS: Mapping[str, Callable[[Task], Orders]] = MappingProxyType(
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
"""Pruners by name."""

SLOW = ("imp",)
"""Those that train again for every parameter."""
