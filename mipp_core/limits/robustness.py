"""The law of robustness drawn: how steep sparse networks are once they fit noise (No Free Prune, arXiv 2402.01089).

The law says that a network which fits noisy labels of n points in d dimensions has a Lipschitz constant of at least
about sqrt(n d / p_eff), up to a factor that it does not say, where p_eff = non-zero parameters + I(mask; data).  Random
masks do not look at the data: their I is 0.  Of magnitudes after training it is known only that I is between 0 and log2
of the number of masks of that size, so that p_eff has two ends.

Points and labels are those of ``memorisation``, more of them.  Networks are trained with the squared error, and looked
at when it falls below ``fit``, far below the labels' variance of 1: all at the same error.  The Lipschitz constant is
then the largest of the input-gradients' norms, at the points and between random pairs of them, and of the slopes
between all pairs: a lower bound of the true one, which may be steeper elsewhere.  Widths, rates and numbers are our
choice: the paper proves the law and does not draw it.
"""

from dataclasses import asdict, dataclass
from functools import partial
from math import inf, sqrt
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError
from mipp_core.limits.bits import bound_bits
from mipp_core.limits.memorisation import Memorisation, random_points
from mipp_core.limits.mlp_masks import BLIND, Task, known, swept, trainings
from mipp_core.limits.mlp_training import Points, Trainer, Training, known_range, squared
from mipp_core.limits.mlps import Masks, Mlps, answers, drawn, stream
from mipp_core.training import one_thread
from mipp_core.vocabulary import Report, silent


@dataclass(frozen=True)
class Robustness:
    """How the law of robustness is drawn.

    Attributes:
        seeds: networks, each with its own points and labels, 1 to 1000.
        points: 2 to 1000.
        features: of a point, 1 to 1000.
        width: of both hidden layers, 1 to 1000.
        epochs: steps on all points, at most, 1 or more.
        rate: of Adam.
        fit: the mean squared error at which a network is looked at, in (0, 1).
        between: places between pairs of points at which gradients are taken, 0 to 100,000.
        sparsities: shares of the weights that are gone, 0 or more and less than 1; biases stay.
        pruners: of ``MASKS``.

    Raises:
        SettingError: a value is out of range.
        UnknownNameError: there is no such pruner.
    """

    seeds: int = 50
    points: int = 100
    features: int = 30
    width: int = 100
    epochs: int = 2000
    rate: float = 1e-3
    fit: float = 0.05
    between: int = 500
    sparsities: tuple[float, ...] = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95)
    pruners: tuple[str, ...] = ("random", "magnitude-after")

    def __post_init__(self) -> None:
        known_range(self.points, "points", 2, 1000)
        known_range(self.epochs, "epochs", 1, 1_000_000)
        known_range(self.between, "places between points", 0, 100_000)
        if not 0 < self.fit < 1:
            raise SettingError(f"An error of {self.fit:g} is not between 0 and the labels' variance of 1; give 0.05.")
        known(self.pruners)
        self.task  # noqa: B018

    @property
    def task(self) -> Memorisation:
        """The points and the networks, as memorising has them."""
        sizes = self.seeds, self.points, self.features, self.width
        return Memorisation(*sizes, self.epochs, self.rate, self.sparsities, self.pruners)

    @property
    def training(self) -> Training:
        """How networks are trained."""
        return Training(self.epochs, self.rate)


SMALL = Robustness(seeds=5, epochs=800, sparsities=(0.0, 0.5, 0.8, 0.9))
FULL = Robustness()


def steepness(networks: Mlps, points: Points, between: int) -> Float[Tensor, " seeds"]:
    """Return a lower bound of each network's Lipschitz constant.

    Args:
        networks: of one output.
        points: of each network; its seeds set which places are tried.
        between: places, uniform on the segments of random pairs.
    """
    inputs, count = points.inputs, points.inputs.shape[1]
    generators = [stream(seed, "places") for seed in points.seeds]
    pairs = torch.stack([torch.randint(count, (2, between), generator=each) for each in generators]).to(inputs.device)
    share = torch.stack([torch.rand(between, 1, generator=each) for each in generators]).to(inputs)
    rows = torch.arange(len(pairs), device=inputs.device).unsqueeze(1)
    some, others = inputs[rows, pairs[:, 0]], inputs[rows, pairs[:, 1]]
    places = torch.cat([inputs, some.lerp(others, share)], 1).requires_grad_()
    (slopes,) = torch.autograd.grad(answers(networks, places).sum(), places)
    said = answers(networks, inputs).detach()
    rises = (said - said.mT).abs() / torch.cdist(inputs, inputs).where(~torch.eye(count).bool().to(inputs.device), inf)
    return torch.maximum(slopes.norm(dim=2).amax(1), rises.flatten(1).amax(1))


def measure(how: Robustness, report: Report = silent, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Train networks of several sparsities until they fit, and measure how steep they are.

    Args:
        how: the setting, ``SMALL`` or ``FULL`` for instance.
        report: called after every epoch; may raise ``CancelledError``.
        device: that networks are trained on.

    Returns:
        Plain JSON.  ``rows`` has one entry per pruner and sparsity: ``pruner``, ``sparsity``, ``kept`` weights, the
        share ``fit`` of the seeds, ``lipschitz`` of those on average and its standard deviation ``spread`` (None if
        none fits), ``p_eff`` and ``law`` = sqrt(n d / p_eff), each from its lowest to its highest; the lowest p_eff
        counts the weights and biases that stay.  Besides: ``study``, ``setting``, ``weights`` and ``biases`` of a
        network, ``seconds``, ``device``.
    """
    began = perf_counter()
    with one_thread():  # steps are so short that several would wait for each other
        points, start = random_points(how.task, device), drawn(how.task.sizes, range(how.seeds), device)
        train = Trainer(start, points, how.training, squared, report, trainings(how.pruners, how.sparsities))
        task = Task(train(None, "dense networks"), train, points)
        rows = swept(task, how.pruners, how.sparsities, partial(_found, task=task, how=how))
    return {
        "study": "robustness",
        "setting": asdict(how),
        "weights": start.prunable,
        "biases": sum(each.shape[1] for each in start.biases),
        "rows": rows,
        "seconds": perf_counter() - began,
        "device": str(device),
    }


def _found(name: str, kept: int, keep: Masks, words: str, task: Task, how: Robustness) -> dict[str, Any]:
    """Train, look at each network as soon as it fits, and sum up those that do."""
    steep = torch.full((how.seeds,), torch.nan)

    def look(epoch: int, networks: Mlps) -> bool:
        losses = squared(answers(networks, task.points.inputs), task.points.wanted).detach()
        for seed in ((losses < how.fit).cpu() & steep.isnan()).nonzero().flatten().tolist():
            own = slice(seed, seed + 1)
            alone = Points(task.points.inputs[own], task.points.wanted[own], (seed,))
            steep[seed] = steepness(networks.take(own), alone, how.between)[0].cpu()
        return not steep.isnan().any()

    task.train(keep, words, look)
    return _summed(name, task.start, kept, steep, how)


def _summed(name: str, networks: Mlps, kept: int, steep: Tensor, how: Robustness) -> dict[str, Any]:
    fit = steep[~steep.isnan()]
    fewest = kept + sum(each.shape[1] for each in networks.biases)
    most = fewest + (0.0 if name in BLIND else bound_bits(networks.prunable, kept))
    law = [sqrt(how.points * how.features / each) for each in (most, fewest)]
    mean, spread = (fit.mean().item(), fit.std(correction=0).item()) if len(fit) else (None, None)
    return {
        "fit": len(fit) / how.seeds,
        "lipschitz": mean,
        "spread": spread,
        "p_eff": [float(fewest), most],
        "law": law,
    }
