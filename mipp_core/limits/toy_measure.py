"""The toy measured: bits of every pruner's masks, for every number of parameters pruned, over initialisations."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log2
from statistics import fmean, pstdev
from time import perf_counter
from typing import Any

import torch

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits.bits import bound_bits, codes_along, entropy_bits
from mipp_core.limits.toy import CORNERS, PARAMETERS, Cases, Networks, accuracies, all_cases, initial, trained
from mipp_core.limits.toy_orders import ORDERS, SLOW, Setting, Task
from mipp_core.training import one_thread
from mipp_core.vocabulary import Progress, Report, silent

QUICK = tuple(name for name in ORDERS if name not in SLOW)
"""Pruners that train no more than the dense networks."""

SHOWN = 6
"""The commonest masks that are kept, of the first initialisation, per pruner and number pruned."""


@dataclass(frozen=True)
class Toy:
    """What was measured.

    Attributes:
        setting: how networks were trained.
        points: of a data set.
        data_sets: how many there are.
        bits: by pruner: one curve per initialisation, from 0 to 21 parameters pruned.
        commonest: by pruner and number pruned: the commonest masks of the first initialisation, as numbers of
            ``mipp_core.limits.bits.codes_along``, each with its share of the data sets.
        accuracy: of the dense networks on their own points, per initialisation.
        seconds: that it took.
    """

    setting: Setting
    points: int
    data_sets: int
    bits: dict[str, list[list[float]]]
    commonest: dict[str, list[list[tuple[int, float]]]]
    accuracy: list[float]
    seconds: float

    @property
    def ceiling(self) -> float:
        """log2 of the number of data sets: no mask tells more of which it was."""
        return log2(self.data_sets)

    def mean(self, pruner: str, pruned: int) -> float:
        """Return a pruner's bits at one number pruned, on average over initialisations."""
        return fmean(curve[pruned] for curve in self.bits[pruner])

    def spread(self, pruner: str, pruned: int) -> float:
        """Return their standard deviation."""
        return pstdev(curve[pruned] for curve in self.bits[pruner])

    def at(self, pruned: int) -> dict[str, Any]:
        """Return what was found at one number pruned, as plain JSON; p_eff is up to logarithms."""
        bits = {name: self.mean(name, pruned) for name in self.bits}
        return {
            "pruned": pruned,
            "bits": bits,
            "spread": {name: self.spread(name, pruned) for name in self.bits},
            "ceiling": self.ceiling,
            "bound": bound_bits(PARAMETERS, pruned),
            "p_eff": {name: PARAMETERS - pruned + value for name, value in bits.items()},
            "seeds": len(self.accuracy),
            "points": self.points,
            "setting": asdict(self.setting),
            "accuracy": fmean(self.accuracy),
            "seconds": self.seconds,
        }


def measure(
    names: Sequence[str] = QUICK,
    seeds: int = 5,
    setting: Setting | None = None,
    points: int = 6,
    report: Report = silent,
) -> Toy:
    """Train every data set's network, prune it in every way, and count the masks.

    Args:
        names: pruners of ``ORDERS``.
        seeds: initialisations, from 0 on.
        setting: how networks are trained; the usual one by default.
        points: of a data set, 1 to 8; 6 in the paper.
        report: called per initialisation and pruner; may raise ``CancelledError``.

    Raises:
        UnknownNameError: there is no such pruner.
        SettingError: a number is out of range, or training diverges.
    """
    how = setting or Setting()
    check(names, seeds, points)
    with one_thread():  # steps are so short that several would wait for each other
        return _measured(names, seeds, how, all_cases(points), report)


def _measured(names: Sequence[str], seeds: int, how: Setting, cases: Cases, report: Report) -> Toy:
    began = perf_counter()
    bits: dict[str, list[list[float]]] = {name: [] for name in names}
    commonest: dict[str, list[list[tuple[int, float]]]] = {}
    reached = []
    for seed in range(seeds):
        start = initial(seed)
        dense = dense_networks(start.expand(len(cases), -1), cases, how)
        reached.append(accuracies(dense, cases).mean().item())
        task = Task(start, cases, dense, how, seed, report)
        for place, name in enumerate(names):
            report(Progress("Counting masks", (seed + place / len(names)) / seeds))
            codes = codes_along(ORDERS[name](task))
            bits[name].append([entropy_bits(each) for each in codes.unbind(-1)])
            if not seed:
                commonest[name] = [_commonest(each) for each in codes.unbind(-1)]
    return Toy(how, cases.points.shape[1], len(cases), bits, commonest, reached, perf_counter() - began)


def dense_networks(start: Networks, cases: Cases, how: Setting) -> Networks:
    """Train one network per data set.

    Raises:
        SettingError: training diverges.
    """
    dense = trained(start, cases, how.epochs, how.rate)
    if not dense.isfinite().all():
        raise SettingError(f"The toy's training diverged at the learning rate {how.rate:g}; give a lower one, as 0.5.")
    return dense


def check(names: Sequence[str], seeds: int, points: int) -> None:
    """Refuse what is out of range, and pruners that there are not."""
    for name in names:
        if name not in ORDERS:
            raise UnknownNameError("pruner of the toy", name, ORDERS)
    for value, what, least, most in ((seeds, "initialisations", 1, 1000), (points, "points", 1, CORNERS)):
        if not least <= value <= most:
            raise SettingError(f"The toy was asked for {value} {what}; give {least} to {most}.")


def _commonest(codes: torch.Tensor) -> list[tuple[int, float]]:
    masks, counts = codes.unique(return_counts=True)
    best = counts.argsort(descending=True, stable=True)[:SHOWN]
    return [(int(masks[place]), counts[place].item() / len(codes)) for place in best]
