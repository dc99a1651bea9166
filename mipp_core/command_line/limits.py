"""The command ``limits``: how many bits of the data a mask carries, and what for (No Free Prune)."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mipp_core.command_line.limit_tables import TABLES
from mipp_core.command_line.progress import progress_line
from mipp_core.command_line.reading import usable_device
from mipp_core.data import load_dataset
from mipp_core.errors import SettingError
from mipp_core.limits import fashion, memorisation, noise, robustness
from mipp_core.limits.agreement import FULL, SMALL, measure_agreement
from mipp_core.limits.toy import PARAMETERS
from mipp_core.limits.toy_measure import measure
from mipp_core.limits.toy_orders import ORDERS, SLOW, Setting
from mipp_core.limits.toy_regressors import Regressors
from mipp_core.limits.toy_units_measure import measure_units
from mipp_core.store.files import write_json

Answer = tuple[Any, list[str]]


def limits(chosen: Namespace) -> Answer:
    """Do one of the experiments."""
    return STUDIES[chosen.what](chosen)


def _toy(chosen: Namespace) -> Answer:
    """Measure the exact toy at one number of parameters pruned."""
    if not 0 <= chosen.pruned <= PARAMETERS:
        raise SettingError(f"--pruned {chosen.pruned}: the toy has {PARAMETERS} parameters; give 0 to {PARAMETERS}.")
    names = [name for name in ORDERS if chosen.imp or name not in SLOW]
    with progress_line() as report:
        found = measure(names, chosen.seeds, Setting(chosen.epochs, chosen.rate), chosen.points, report)
    document = found.at(chosen.pruned)
    rows = [f"{'pruner':20} {'I(mask; data), bits':>20} {'p_eff':>8}"]
    rows += [
        f"{name:20} {bits:>11.3f} ± {document['spread'][name]:>6.3f} {document['p_eff'][name]:>8.2f}"
        for name, bits in document["bits"].items()
    ]
    ceiling, bound = document["ceiling"], document["bound"]
    most = f"at most {ceiling:.3f} bits ({found.data_sets:,} data sets) and {bound:.3f} (all masks)"
    how = f"{chosen.pruned} of {PARAMETERS} parameters pruned, {chosen.seeds} initialisations"
    fit = f"dense networks are right on {document['accuracy']:.1%} of their points"
    return document, [*rows, f"{most}; {how}; {fit}; {found.seconds:.1f} s"]


def _memorisation(chosen: Namespace) -> Answer:
    how = memorisation.FULL if chosen.full else memorisation.SMALL
    with progress_line() as report:
        return _said(chosen, memorisation.measure(_seeded(how, chosen), report, usable_device(chosen.device)))


def _noise(chosen: Namespace) -> Answer:
    how = noise.FULL if chosen.full else noise.SMALL
    with progress_line() as report:
        return _said(chosen, noise.measure(_seeded(how, chosen), report, usable_device(chosen.device)))


def _fashion(chosen: Namespace) -> Answer:
    how = fashion.FULL if chosen.full else fashion.SMALL
    how = _seeded(replace(how, dataset=chosen.dataset or how.dataset), chosen)
    with progress_line() as report:
        return _said(chosen, fashion.measure(how, report, usable_device(chosen.device), chosen.data_dir))


def _robustness(chosen: Namespace) -> Answer:
    how = robustness.FULL if chosen.full else robustness.SMALL
    with progress_line() as report:
        return _said(chosen, robustness.measure(_seeded(how, chosen), report, usable_device(chosen.device)))


def _units(chosen: Namespace) -> Answer:
    """Measure MIPP and CMI in the toy; the full setting has regressors too."""
    seeds = (5 if chosen.full else 3) if chosen.seeds is None else chosen.seeds
    with progress_line() as report:
        found = measure_units(seeds, regressors=Regressors() if chosen.full else None, report=report)
    return _said(chosen, found)


def _masks(chosen: Namespace) -> Answer:
    """Compare real pruners' masks of LeNet5; the seeds are the copies."""
    how = FULL if chosen.full else SMALL
    how = how if chosen.seeds is None else replace(how, copies=chosen.seeds)
    with progress_line() as report:
        found = measure_agreement(
            how, load_dataset("mnist-sample").train.in_memory(), report, str(usable_device(chosen.device))
        )
    return _said(chosen, found)


def _seeded(how: Any, chosen: Namespace) -> Any:
    return how if chosen.seeds is None else replace(how, seeds=chosen.seeds)


def _said(chosen: Namespace, document: dict[str, Any]) -> Answer:
    """Return a study's document and table, and write the document where that was asked for."""
    if chosen.save:
        write_json(chosen.save, document)
    setting = document["setting"]
    count = (
        f"{setting['copies']} networks per way"
        if "copies" in setting
        else f"{setting['seeds']} seed{'s' * (setting['seeds'] > 1)}"
    )
    last = f"{count}, {document['device']}; {document['seconds']:.1f} s"
    return document, [*TABLES[chosen.what](document), last]


STUDIES: Mapping[str, Callable[[Namespace], Answer]] = MappingProxyType(
    {
        "toy": _toy,
        "units": _units,
        "memorisation": _memorisation,
        "noise": _noise,
        "fashion": _fashion,
        "robustness": _robustness,
        "masks": _masks,
    }
)
"""Experiments by name."""
