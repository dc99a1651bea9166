"""Several pruners on the same network: the entries of a comparison, and the runs it consists of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from mipp_core.cutting.selection import Scope
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.pruners import PRUNERS, Decider, Mipp, Pruner, Ranker, pruner
from mipp_core.runs.spec import NetworkSpec, RunSpec
from mipp_core.training import Recipe

Protocol = Literal["followed", "fixed"]
"""Who sets the ratios: MIPP, and the others are given them; or everyone gets the same even steps."""

PROTOCOLS: dict[Protocol, str] = {
    "followed": "MIPP's ratios: it finds them, and the others are given the same number of units to remove",
    "fixed": "fixed ratios: everyone removes 0, 5, ... 95% of the units",
}


MEASURED = (1, 5, 9, 14, 17, 19)
"""Levels of MIPP's schedule at which a comparison is made: from about a fifth to nine tenths of LeNet5's units."""

FIXED = (2, 6, 10, 13, 15, 17, 18, 19)
"""Of 20 even steps: 10, 30, 50, 65, 75, 85, 90 and 95%."""

STEPS = 20


@dataclass(frozen=True)
class Entry:
    """One line of a comparison: a pruner, its settings, and how it spreads a ratio over the layers.

    Attributes:
        pruner: a name in ``PRUNERS``.
        settings: its own.
        scope: None for its usual way.
    """

    pruner: str
    settings: Ranker | Decider
    scope: Scope | None = None

    @property
    def works_untrained(self) -> bool:
        """Tell whether it can prune a network at initialisation."""
        return "training" not in self.settings.needs


def _entries() -> dict[str, Entry]:
    return {
        name: Entry(registered, pruner(registered, **variant.settings), variant.scope)
        for registered, kind in PRUNERS.items()
        for name, variant in kind.variants.items()
    }


ENTRIES: dict[str, Entry] = _entries()
"""Every pruner of the registry, as it is usually meant, by the name it has in the literature."""


USUAL = tuple(name for kind in PRUNERS.values() for name, variant in kind.variants.items() if variant.usual)
"""What a comparison shows by default: what the MIPP paper has, and magnitudes in three ways."""


def usual(trained: bool) -> list[str]:
    """Name what a comparison shows by default: at initialisation, nothing that goes by what training has taught.

    Those are pruners that train, and CMI, which asks what units tell of the labels.
    """
    return [
        name
        for name in USUAL
        if trained or (ENTRIES[name].works_untrained and not getattr(ENTRIES[name].settings, "cuts_itself", False))
    ]


def entry(name: str) -> Entry:
    """Look an entry up.

    Raises:
        UnknownNameError: lists the known entries.
    """
    if name not in ENTRIES:
        raise UnknownNameError("entry", name, ENTRIES)
    return ENTRIES[name]


def entries_that(holds: Callable[[Pruner], bool]) -> str:
    """Name the entries that meet a condition, for a sentence."""
    *others, last = [name for name, found in ENTRIES.items() if holds(found.settings)] or ["none"]
    return f"{', '.join(others)} and {last}" if others else last


def by_layer_only(settings: Pruner) -> bool:
    """Tell whether a pruner can only remove the same share of every layer."""
    return isinstance(settings, Ranker) and settings.scopes == ("layer",)


def leader(network: NetworkSpec, trained: bool, retraining: Recipe) -> RunSpec:
    """Return MIPP's run of a comparison, with every control at its per-layer counts."""
    return RunSpec(
        network,
        trained=trained,
        retraining=retraining,
        controls=("random", "magnitude", "scratch", "reinitialised"),
        retrain_controls=True,
        measured=MEASURED,
    )


def member(base: RunSpec, name: str, protocol: Protocol = "followed") -> RunSpec:
    """Return one entry's run of a comparison.

    Args:
        base: MIPP's run (see ``leader``); the others have its network, retraining and measured levels, and none of
            its controls.  A pruner that cuts by itself has its own cut, too, where it does not take given ratios.
        name: a key of ``ENTRIES``.
        protocol: who sets the ratios; pruners that find their own do so in both.

    Raises:
        UnknownNameError: there is no such entry.
        SettingError: the pruner needs training and the network is at initialisation, or the base is not MIPP's.
    """
    if not isinstance(base.settings, Mipp):
        raise SettingError(f"A comparison is made around MIPP, not around {base.pruner}; give MIPP's run.")
    found, follow = entry(name), None if protocol == "fixed" else base.settings
    if protocol == "fixed":
        steps = tuple(step / STEPS for step in range(STEPS))
        base = replace(base, confidences=None, sparsities=steps, measured=FIXED, controls=(), retrain_controls=False)
    if isinstance(found.settings, Mipp):
        return base
    made = replace(
        base,
        pruner=found.pruner,
        settings=found.settings,
        scope=found.scope,
        follow=None if isinstance(found.settings, Decider) else follow,
        controls=(),
        retrain_controls=False,
    )
    if made.own_point is None or made.measured is None:
        return made
    return replace(made, measured=(*made.measured, made.own_point))


def name_of(spec: RunSpec) -> str | None:
    """Return the entry that a run belongs to; None if it belongs to none."""
    for name, found in ENTRIES.items():
        if (found.pruner, found.settings, found.scope) == (spec.pruner, spec.settings, spec.scope):
            return name
    return None
