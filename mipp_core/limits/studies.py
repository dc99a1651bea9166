"""The experiments of No Free Prune by name: small, in seconds, or with the settings that ship."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mipp_core.data import load_dataset
from mipp_core.errors import UnknownNameError
from mipp_core.limits import agreement, fashion, memorisation, noise, robustness
from mipp_core.limits.agreement import measure_agreement
from mipp_core.limits.toy_regressors import Regressors
from mipp_core.limits.toy_units_measure import measure_units
from mipp_core.vocabulary import Report

Measured = Callable[[bool, Report, Path | None], dict[str, Any]]


@dataclass(frozen=True)
class Study:
    """One experiment.

    Attributes:
        measure: makes its document, which is plain JSON; is told whether to take the full setting, where to report
            (which may raise ``CancelledError``), and the folder of datasets.
        small, full: what each takes, in words, on one core of a processor.
    """

    measure: Measured
    small: str
    full: str


def _memorisation(full: bool, report: Report, _: Path | None) -> dict[str, Any]:
    return memorisation.measure(memorisation.FULL if full else memorisation.SMALL, report)


def _noise(full: bool, report: Report, _: Path | None) -> dict[str, Any]:
    return noise.measure(noise.FULL if full else noise.SMALL, report)


def _fashion(full: bool, report: Report, data_dir: Path | None) -> dict[str, Any]:
    return fashion.measure(fashion.FULL if full else fashion.SMALL, report, data_dir=data_dir)


def _robustness(full: bool, report: Report, _: Path | None) -> dict[str, Any]:
    return robustness.measure(robustness.FULL if full else robustness.SMALL, report)


def _units(full: bool, report: Report, _: Path | None) -> dict[str, Any]:
    return measure_units(5 if full else 3, regressors=Regressors() if full else None, report=report)


def _masks(full: bool, report: Report, _: Path | None) -> dict[str, Any]:
    return measure_agreement(
        agreement.FULL if full else agreement.SMALL, load_dataset("mnist-sample").train.in_memory(), report
    )


STUDIES: Mapping[str, Study] = MappingProxyType(
    {
        "units": Study(_units, "seconds", "about 9 minutes"),
        "memorisation": Study(_memorisation, "seconds", "about 3 minutes"),
        "noise": Study(_noise, "seconds", "about 4 minutes"),
        "fashion": Study(_fashion, "seconds", "half an hour, 31 MB to download"),
        "robustness": Study(_robustness, "seconds", "about 5 minutes"),
        "masks": Study(_masks, "half a minute", "about 7 minutes"),
    }
)


def study(name: str) -> Study:
    """Look an experiment up.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in STUDIES:
        raise UnknownNameError("experiment", name, STUDIES)
    return STUDIES[name]
