"""Estimators of mutual information, alike: samples of x and y go in, nats come out.

Perceptrons are trained as MIPP trains its own (``mipp_core.information.ensemble``), on standardised samples with the
squared error, and judged on held-out ones.  What they predict is the mean of y given x.  Of a yes or no that is a
probability, so the loss is read as a cross-entropy, and the drop of the loss is information (MIPP paper, section
4.2.2).  Otherwise it is read as if errors were Gaussian: half the logarithm by which the determinant of the covariance
of errors falls.  Here too the regressors take part as they are: nothing keeps a reading from falling below 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import log
from time import perf_counter
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.errors import UnknownNameError
from mipp_core.information.ensemble import Ensemble, Pairs, Reading, draw_batches
from mipp_core.information.neighbours import neighbour_information
from mipp_core.information.renyi import gaussian, mutual, same, squared_distances, squared_widths
from mipp_core.playground.known import Drawn, Known, counted

REGRESSORS = Ensemble(members=3, hidden=(64, 64), batch_size=100)
STEPS, RATE, HELD_OUT = 600, 3e-3, 0.25
"""How perceptrons are trained here: smaller and shorter than MIPP's default, so that a page need not wait."""

NEIGHBOURS = 3
_MOST_ENTRIES, _MOST_EIGENVALUES = 2000, 1000
"""Samples that the matrix-based estimators take, whose matrices have the square of it in entries: a second's worth."""

_JITTER = 1e-3


@dataclass(frozen=True)
class Estimator:
    """One way to estimate I(x; y).

    Attributes:
        title: its name for readers.
        estimate: makes a figure in nats of samples; is told whether they are discrete, and a seed.
        most: samples that it can take.
        alpha: the order, if its limit is Rényi's quantity rather than the mutual information.
        discrete_only: whether it is for discrete variables alone.
    """

    title: str
    estimate: Callable[[Drawn, bool, int], float]
    most: int | None = None
    alpha: float | None = None
    discrete_only: bool = False

    def takes(self, pair: Known, n: int) -> bool:
        """Tell whether it can be asked about a pair of variables with so many samples."""
        return (self.most is None or n <= self.most) and (pair.table is not None or not self.discrete_only)


def _closed_form(samples: Drawn, discrete: bool, seed: int) -> float:
    """Return what Gaussians with the same covariance would tell: least squares, as MIPP in closed form has it."""
    x, y = samples
    whole = torch.cov(torch.cat([x, y], 1).mT)
    parts = whole[: x.shape[1], : x.shape[1]], whole[x.shape[1] :, x.shape[1] :]
    return float((torch.logdet(parts[0]) + torch.logdet(parts[1]) - torch.logdet(whole)) / 2)


def held_out_errors(samples: Drawn, seed: int) -> tuple[Pairs, Float[Tensor, "k m t"]]:
    """Train perceptrons; return the standardised samples, and every regressor's predictions of the held-out part."""
    pairs = Pairs.split(samples[0].float(), samples[1].float(), HELD_OUT)
    targets, generator = pairs.targets.shape[1], torch.Generator().manual_seed(seed)
    fresh = REGRESSORS.fresh(1, pairs.inputs.shape[1], targets, generator, pairs.inputs)
    batches = draw_batches(STEPS, REGRESSORS, len(pairs.inputs), seed, pairs.inputs.device)
    reading = Reading(pairs.live_inputs[None])
    trained = REGRESSORS.fit(fresh, pairs, reading, torch.ones(1, targets), batches, RATE)
    with torch.no_grad():
        return pairs, REGRESSORS.predict(trained, pairs.held_inputs[None, None])[0]


def _perceptrons(samples: Drawn, discrete: bool, seed: int) -> float:
    pairs, predicted = held_out_errors(samples, seed)
    if discrete:
        return _by_cross_entropy(pairs, predicted)
    before, after = (_spread(pairs.held_targets - each) for each in (torch.zeros_like(predicted), predicted))
    return float((torch.logdet(before) - torch.logdet(after)).mean() / 2)


def _spread(errors: Float[Tensor, "k m t"]) -> Float[Tensor, "k t t"]:
    return errors.double().mT @ errors.double() / errors.shape[1]


def _by_cross_entropy(pairs: Pairs, predicted: Float[Tensor, "k m 1"]) -> float:
    """Return by how much the predictions of a yes or no lower the cross-entropy; no probability is nearer to 0 than
    one sample more could tell.
    """
    low, high = pairs.targets.min(), pairs.targets.max()
    if low == high:
        return 0.0
    least = 1 / (len(pairs.targets) + 2)
    yes = (pairs.held_targets > (low + high) / 2).double()

    def loss(values: Tensor) -> Tensor:
        said = ((values - low) / (high - low)).double().clamp(least, 1 - least)
        return -torch.where(yes > 0, said, 1 - said).log().mean()

    return float(loss(torch.zeros_like(predicted)) - loss(predicted))


def _neighbours(samples: Drawn, discrete: bool, seed: int) -> float:
    """Measure distances in standard deviations of each column; ties of discrete values are broken by a little noise."""
    generator = torch.Generator().manual_seed(seed)
    scaled = []
    for each in samples:
        noise = torch.rand(each.shape, generator=generator, dtype=each.dtype) * _JITTER
        values = each + noise if discrete else each
        scaled.append(values / values.std(0, keepdim=True).clamp_min(1e-12))
    return neighbour_information(scaled[0], scaled[1], NEIGHBOURS)


def _renyi(alpha: float, samples: Drawn, discrete: bool, seed: int) -> float:
    x, y = (_kernel(each, discrete) for each in samples)
    return float(mutual(x, y, alpha)) * log(2)


def _kernel(values: Float[Tensor, "n d"], discrete: bool) -> Float[Tensor, "n n"]:
    """Compare samples: by whether they are equal, or by a Gaussian whose width is the median distance."""
    if discrete:
        return same(_codes(values))
    distances = squared_distances(values[None])
    return gaussian(distances, squared_widths(distances, values.shape[1], "median"))[0]


def _codes(values: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
    return values.unique(dim=0, return_inverse=True)[1]


def _counting(samples: Drawn, discrete: bool, seed: int) -> float:
    """Count how often every pair of values occurs, and take shares for probabilities."""
    x, y = (_codes(each) for each in samples)
    table = torch.zeros(int(x.max()) + 1, int(y.max()) + 1, dtype=torch.double)
    table.index_put_((x, y), torch.full((len(x),), 1 / len(x), dtype=torch.double), accumulate=True)
    return counted(table)


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "closed-form": Estimator("Closed form", _closed_form),
        "perceptrons": Estimator("Perceptrons", _perceptrons),
        "neighbours": Estimator("Nearest neighbours", _neighbours),
        "renyi-1.01": Estimator("Rényi, α = 1.01", partial(_renyi, 1.01), _MOST_EIGENVALUES, 1.01),
        "renyi-2": Estimator("Rényi, α = 2", partial(_renyi, 2.0), _MOST_ENTRIES, 2.0),
        "counting": Estimator("Counting", _counting, discrete_only=True),
    }
)
"""All estimators, by name: least squares and perceptrons as MIPP uses them, Kraskov's, those of CMI, and counting."""


@dataclass(frozen=True)
class Estimate:
    """One estimate: nats, and how long it took."""

    nats: float
    seconds: float


def estimated(name: str, pair: Known, samples: Drawn, seed: int) -> Estimate:
    """Ask one estimator.

    Args:
        name: of ``ESTIMATORS``.
        pair: where the samples are from.
        samples: of x and y.
        seed: of regressors and noise.

    Raises:
        UnknownNameError: there is no such estimator.
    """
    if name not in ESTIMATORS:
        raise UnknownNameError("estimator", name, ESTIMATORS)
    start = perf_counter()
    nats = ESTIMATORS[name].estimate(samples, pair.table is not None, seed)
    return Estimate(nats, perf_counter() - start)
