"""The registry of pruners.  To add one, write a file and add a line here."""

import inspect
import re
import sys
from dataclasses import dataclass, fields
from typing import Any

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.own_files import PREFIX, shown
from mipp_core.pruners.chip import Chip
from mipp_core.pruners.closed_form import ClosedForm
from mipp_core.pruners.closed_form_plan import plan_closed_form
from mipp_core.pruners.cmi import Cmi
from mipp_core.pruners.cmi_plan import plan_cmi
from mipp_core.pruners.conductance import Conductance
from mipp_core.pruners.contract import Decider, Pruner, Ranker, Scores, Task, Variant
from mipp_core.pruners.from_file import load_pruner, named_pruner
from mipp_core.pruners.grasp import Grasp, IterativeGrasp
from mipp_core.pruners.hrank import HRank
from mipp_core.pruners.imp import Imp
from mipp_core.pruners.lamp import Lamp
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.mipp import SMALL, Mipp
from mipp_core.pruners.mipp_plan import plan_mipp
from mipp_core.pruners.network_slimming import NetworkSlimming
from mipp_core.pruners.plans import Plan, plan
from mipp_core.pruners.prospr import ProsPR
from mipp_core.pruners.random import Random
from mipp_core.pruners.settings import as_ranged, at_least, on_or_off, one_of, setting
from mipp_core.pruners.snip import IterativeSnip, Snip
from mipp_core.pruners.sosp import Sosp
from mipp_core.pruners.synflow import SynFlow
from mipp_core.pruners.taylor import Taylor
from mipp_core.pruners.thinet import ThiNet

__all__ = [
    "PRUNERS",
    "SMALL",
    "ClosedForm",
    "Cmi",
    "Decider",
    "Magnitude",
    "Mipp",
    "Plan",
    "Pruner",
    "Random",
    "Ranker",
    "Scores",
    "Task",
    "Variant",
    "at_least",
    "describe",
    "kind_of",
    "load_pruner",
    "on_or_off",
    "one_of",
    "plan",
    "plan_closed_form",
    "plan_cmi",
    "plan_mipp",
    "pruner",
    "setting",
]

PRUNERS: dict[str, type[Ranker] | type[Decider]] = {
    "mipp": Mipp,
    "mipp-closed-form": ClosedForm,
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
    "cmi": Cmi,
}


@dataclass(frozen=True)
class Card:
    """What a pruner says of itself.

    Attributes:
        source: its paper, in a line.
        text: idea, formula, needs, cost and departures, in paragraphs.
        example: its call in Python; empty if it shows none.
    """

    source: str
    text: str
    example: str


_POINTERS = re.compile(r"\s*\(``mipp_core[^()]*\)")
"""What sends readers of the source to a module, and tells others nothing."""


def describe(found: Pruner) -> Card:
    """Read a pruner's card from its docstrings."""
    module = sys.modules.get(type(found).__module__)  # None for a file of the user's own
    source = (inspect.getdoc(module) if module else None) or f"{type(found).__name__}, from a file."
    about = (inspect.getdoc(type(found)) or "").partition("Attributes:")[0].partition("Raises:")[0]
    text, _, example = about.partition("Example:")
    calls = [line.strip().removeprefix(">>> ") for line in example.splitlines() if line.strip().startswith(">>> ")]
    paragraphs = re.sub(r"\n(?=(?:Idea|Formula|Needs|Cost):)", "\n\n", text.strip())
    return Card(source.splitlines()[0], _POINTERS.sub("", paragraphs), "\n".join(calls))


def pruner(name: str, **settings: Any) -> Ranker | Decider:
    """Make a pruner by name.

    Raises:
        UnknownNameError: lists the known pruners.
        SettingError: lists the known settings, or says which value is out of range.
    """
    kind = kind_of(name)
    known = [field.name for field in fields(kind)]
    for given in settings:
        if given not in known:
            raise SettingError(f"{shown(name)} has no setting {given!r}; it has: {', '.join(known) or 'none'}.")
    return kind(**as_ranged(kind, settings))


def kind_of(name: str) -> type[Ranker] | type[Decider]:
    """Look a pruner's class up by name.

    Raises:
        UnknownNameError: lists the known pruners.
        SettingError: the name is of a Python file that nobody has named in this process.
    """
    if name.startswith(PREFIX):
        return named_pruner(name)
    if name not in PRUNERS:
        raise UnknownNameError("pruner", name, PRUNERS)
    return PRUNERS[name]
