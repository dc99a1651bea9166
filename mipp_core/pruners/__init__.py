"""The registry of pruners.  A new one is one file and one line here."""

from dataclasses import fields
from typing import Any

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.pruners.contract import Decider, Pruner, Ranker
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.mipp import Mipp
from mipp_core.pruners.random import Random

__all__ = ["PRUNERS", "Decider", "Magnitude", "Mipp", "Pruner", "Random", "Ranker", "pruner"]

PRUNERS: dict[str, type[Pruner]] = {
    "mipp": Mipp,
    "random": Random,
    "magnitude": Magnitude,
}


def pruner(name: str, **settings: Any) -> Pruner:
    """Make a pruner by name.

    Raises:
        UnknownNameError: lists the known pruners.
        SettingError: lists the known settings, or says which value is out of range.
    """
    if name not in PRUNERS:
        raise UnknownNameError("pruner", name, PRUNERS)
    known = [field.name for field in fields(PRUNERS[name])]
    for setting in settings:
        if setting not in known:
            raise SettingError(f"{name} has no setting {setting!r}; it has: {', '.join(known) or 'none'}.")
    return PRUNERS[name](**settings)
