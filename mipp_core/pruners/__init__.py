"""The registry of pruners.  To add one, write a file and add a line here."""

import inspect
import re
import sys
from dataclasses import fields
from typing import Any

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.pruners.chip import Chip
from mipp_core.pruners.conductance import Conductance
from mipp_core.pruners.contract import Decider, Pruner, Ranker, Task
from mipp_core.pruners.grasp import Grasp, IterativeGrasp
from mipp_core.pruners.hrank import HRank
from mipp_core.pruners.imp import Imp
from mipp_core.pruners.lamp import Lamp
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.mipp import SMALL, Mipp
from mipp_core.pruners.mipp_plan import Plan, plan
from mipp_core.pruners.network_slimming import NetworkSlimming
from mipp_core.pruners.prospr import ProsPR
from mipp_core.pruners.random import Random
from mipp_core.pruners.snip import IterativeSnip, Snip
from mipp_core.pruners.sosp import Sosp
from mipp_core.pruners.synflow import SynFlow
from mipp_core.pruners.taylor import Taylor
from mipp_core.pruners.thinet import ThiNet

__all__ = [
    "PRUNERS",
    "SMALL",
    "Decider",
    "Magnitude",
    "Mipp",
    "Plan",
    "Pruner",
    "Random",
    "Ranker",
    "Task",
    "describe",
    "plan",
    "pruner",
]

PRUNERS: dict[str, type[Pruner]] = {
    "mipp": Mipp,
    "random": Random,
    "magnitude": Magnitude,
    "synflow": SynFlow,
    "snip": Snip,
    "iter-snip": IterativeSnip,
    "grasp": Grasp,
    "iter-grasp": IterativeGrasp,
    "thinet": ThiNet,
    "sosp-h": Sosp,
    "imp": Imp,
    "taylor": Taylor,
    "lamp": Lamp,
    "hrank": HRank,
    "chip": Chip,
    "prospr": ProsPR,
    "conductance": Conductance,
    "network-slimming": NetworkSlimming,
}


def describe(found: Pruner) -> tuple[str, str]:
    """Return a pruner's paper and its card: idea, formula, needs, cost and departures, in paragraphs."""
    source = inspect.getdoc(sys.modules[type(found).__module__]) or ""
    card = (inspect.getdoc(type(found)) or "").partition("Attributes:")[0]
    return source.splitlines()[0], re.sub(r"\n(?=(?:Idea|Formula|Needs|Cost):)", "\n\n", card.strip())


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
