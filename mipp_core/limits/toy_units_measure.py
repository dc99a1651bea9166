"""Bits in the masks of MIPP and CMI over the toy's hidden units: exactly, before and after training."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from math import log2
from statistics import fmean
from time import perf_counter
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.information import LEVELS, confidence_of
from mipp_core.limits.bits import entropy_bits
from mipp_core.limits.toy import UNITS, Cases, Networks, all_cases, initial
from mipp_core.limits.toy_cmi import masks_by_cmi
from mipp_core.limits.toy_measure import check, dense_networks
from mipp_core.limits.toy_orders import Setting
from mipp_core.limits.toy_regressors import Regressors, losses
from mipp_core.limits.toy_units import is_in, lost_in_closed_form, masks_by_perceptrons, masks_in_closed_form
from mipp_core.training import one_thread
from mipp_core.vocabulary import Progress, Report, silent

CONFIDENCES = tuple(map(confidence_of, range(LEVELS)))

Chosen = tuple[str, Int[Tensor, "data_sets points"], Float[Tensor, "data_sets sets"]]


def measure_units(
    seeds: int = 5,
    setting: Setting | None = None,
    points: int = 6,
    regressors: Regressors | None = None,
    report: Report = silent,
) -> dict[str, Any]:
    """Prune every data set's network by units, at initialisation and trained, and count the masks.

    Args:
        seeds: initialisations, from 0 on.
        setting: how networks are trained; the usual one by default.
        points: of a data set, 1 to 8.
        regressors: MIPP by perceptrons too, trained in this way: minutes.
        report: called per network; may raise ``CancelledError``.

    Returns:
        Plain JSON.  ``curves`` has an entry per pruner (``mipp-closed-form``, ``mipp``, ``cmi``) and ``start``
        (``initial``, ``trained``): per initialisation a list over the sweep (20 confidences; for CMI 0 to 4 units
        kept) of ``bits``, of the part of them that is about the ``labels``, given which points there are, of the
        ``kept`` units, and of the ``lost`` share of what the next layer read, both on average over data sets.
        ``most`` is what a mask of four units can carry, ``ceiling`` the entropy of the data, in bits.

    Raises:
        SettingError: a number is out of range, or training diverges.
    """
    how, began = setting or Setting(), perf_counter()
    check((), seeds, points)
    cases, curves = all_cases(points), dict[tuple[str, str], dict[str, list[list[float]]]]()
    with one_thread():
        for seed in range(seeds):
            start = initial(seed).expand(len(cases), -1)
            for place, (name, networks) in enumerate(_networks(start, cases, how)):
                share = (seed + place / 2) / seeds
                report(Progress("Counting masks", share))
                within = _within(report, share, 1 / (2 * seeds))
                for pruner, masks, lost in _chosen(networks, cases, regressors, within):
                    found = curves.setdefault((pruner, name), {"bits": [], "labels": [], "kept": [], "lost": []})
                    _add(found, masks, lost, labellings=2**points)
    return {
        "study": "units",
        "setting": asdict(how) | {"points": points, "seeds": seeds, "regressors": regressors and asdict(regressors)},
        "data_sets": len(cases),
        "ceiling": log2(len(cases)),
        "most": float(UNITS),
        "curves": [{"pruner": pruner, "start": start, **found} for (pruner, start), found in curves.items()],
        "seconds": perf_counter() - began,
        "device": "cpu",
    }


def _within(report: Report, begun: float, share: float) -> Report:
    """Return a report whose progress is a part of the whole."""
    return lambda progress: report(Progress(progress.stage, begun + share * progress.done))


def _networks(start: Networks, cases: Cases, how: Setting) -> Iterator[tuple[str, Networks]]:
    yield "initial", start
    yield "trained", dense_networks(start, cases, how)


def _chosen(networks: Networks, cases: Cases, regressors: Regressors | None, report: Report) -> Iterator[Chosen]:
    lost = lost_in_closed_form(networks, cases)
    yield "mipp-closed-form", masks_in_closed_form(lost, CONFIDENCES), lost
    yield "cmi", masks_by_cmi(networks, cases), lost
    if regressors:
        tried = losses(networks, cases, regressors, report)
        yield "mipp", masks_by_perceptrons(tried, CONFIDENCES), tried.mean(0)


def _add(found: dict[str, list[list[float]]], masks: Tensor, lost: Tensor, labellings: int) -> None:
    sizes = is_in().sum(-1).double()
    columns = masks.unbind(-1)
    by_name: dict[str, Callable[[Tensor], float]] = {
        "bits": entropy_bits,
        "labels": lambda each: fmean(entropy_bits(some) for some in each.view(-1, labellings)),
        "kept": lambda each: sizes[each].mean().item(),
        "lost": lambda each: lost.gather(-1, each.unsqueeze(-1)).mean().item(),
    }
    for name, measured in by_name.items():
        found[name].append([measured(each) for each in columns])
