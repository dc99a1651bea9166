"""The smallest examples of what a linear rebuild cannot see: three bits that agree or not, and two that differ or not.

How much of A's variance can be rebuilt from the bits, with and without the last of them: by the best function that
there is, which is counted; by the best linear one, as in MIPP's closed form; and by perceptrons, as in MIPP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.regressions import Problem, refitted
from mipp_core.information.whole_maps import Sums
from mipp_core.playground.estimators import held_out_errors
from mipp_core.playground.known import Drawn, Known, counted, known

EXAMPLES: Mapping[str, str] = MappingProxyType({"triple": "TERC's triple", "xor": "XOR"})
"""Of the pairs of variables, those that are examples, and their short names."""

SAMPLES = 2000


@dataclass(frozen=True)
class Told:
    """What is known of A, as a share of its variance.

    Attributes:
        whole: from all bits.
        without: from all but the last.
    """

    whole: float
    without: float

    @property
    def lost(self) -> float:
        """What the last bit's removal costs."""
        return self.whole - self.without


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        nats: I(bits; A), with all bits and without the last, counted.
        best, linear, perceptrons: what can be rebuilt of A.
    """

    nats: Told
    best: Told
    linear: Told
    perceptrons: Told


def example(name: str, seed: int = 0) -> Example:
    """Work an example out.

    Args:
        name: of ``EXAMPLES``.
        seed: of samples and regressors.

    Raises:
        UnknownNameError: there is no such example.
    """
    pair = known(name)
    bits, answer = pair.draw(1.0, SAMPLES, torch.Generator().manual_seed(seed))
    fewer = bits[:, :-1]
    table = _table(pair)
    without = table[: len(table) // 2] + table[len(table) // 2 :]  # the last bit is the highest
    return Example(
        Told(counted(table), counted(without)),
        Told(_best(table), _best(without)),
        Told(_linear((bits, answer)), _linear((fewer, answer))),
        Told(_trained((bits, answer), seed), _trained((fewer, answer), seed)),
    )


def _table(pair: Known) -> Float[Tensor, "a 2"]:
    assert pair.table is not None
    return pair.table(1.0)


def _best(table: Float[Tensor, "a 2"]) -> float:
    """Return the variance of the mean of A given the bits, as a share of A's variance."""
    each, mean = table.sum(1), table[:, 1].sum()
    given = table[:, 1] / each
    return float((each * (given - mean).square()).sum() / (mean * (1 - mean)))


def _linear(samples: Drawn) -> float:
    """Return the share that least squares explains, in MIPP's own regression."""
    columns, bits = torch.cat(samples, 1), samples[0].shape[1]
    sums = Sums(bits + 1, columns.device)
    sums.add(columns.mT)
    covariance = sums.covariance()
    every = torch.arange(bits + 1)
    problem = Problem(covariance, torch.eye(bits + 1, dtype=torch.double)[:, -1:], every, every[:, None], every[:1])
    weights = refitted(problem, range(bits))
    told = (weights * (covariance @ weights)).sum()
    return float(told / covariance[-1, -1])


def _trained(samples: Drawn, seed: int) -> float:
    """Return by how much perceptrons lower the squared error on held-out samples, the mean over them."""
    pairs, predicted = held_out_errors(samples, seed)
    error = (pairs.held_targets - predicted).square().mean()
    return float(1 - error / pairs.baseline.mean())
