"""Where one entry stands on each axis of cost, in a sentence that is true by construction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from mipp_core.reports.standing import Summary, Told, best_of, summaries, told

State = Literal["ahead", "tied", "scattered", "behind", "open", "alone"]
"""Where an entry stands among others at one share: a ``Told``, or ``alone`` where nobody else is known."""

_WORDS: dict[State, str] = {
    "ahead": "ahead",
    "tied": "tied with the best",
    "scattered": "too scattered over its seeds to be placed",
    "behind": "behind",
    "open": "not to be placed, for want of seeds,",
    "alone": "without a rival",
}

_APART: tuple[State, ...] = ("ahead", "scattered", "behind", "open")
_MOST_RANGES = 3

Known = Mapping[float, Mapping[str, Summary]]
"""Share -> entry -> what it reaches there; what ``summaries`` returns."""


class Place(NamedTuple):
    """Where an entry stands at one share.

    Attributes:
        state: see ``State``.
        own: what it reaches.
        rival: the entry it was compared with: the best of the others.
        at: the share at which the rival reaches that: the same, or a larger one.
        others: what the rival reaches; None without a rival.
    """

    state: State
    own: Summary
    rival: str = ""
    at: float = 0.0
    others: Summary | None = None


def places(table: pd.DataFrame, subject: str, contenders: Sequence[str]) -> dict[float, Place]:
    """Return where an entry stands at every share at which it is known, shares ascending.

    It is compared with the best contender at the same share.  A contender that is not known there may still be known
    at a larger share; if it is ahead even so, the entry is behind.

    Args:
        table: what ``at_equal_cost`` returns.
        subject: the entry.
        contenders: whom it is compared with; the subject itself may be among them.
    """
    known = summaries(table)
    others = [name for name in contenders if name != subject]
    return {share: _place(known, share, subject, others) for share, found in known.items() if subject in found}


def _place(known: Known, share: float, subject: str, others: Sequence[str]) -> Place:
    here, own = known[share], known[share][subject]
    further = _further(known, share, [name for name in others if name not in here])
    beyond = best_of({name: found for name, (_, found) in further.items()}, others)
    if beyond is not None and told(own, further[beyond][1]) == "behind":
        return Place("behind", own, beyond, *further[beyond])
    rival = best_of(here, others)
    if rival is None:
        return Place("alone", own)
    return Place(told(own, here[rival]), own, rival, share, here[rival])


def _further(known: Known, share: float, names: Iterable[str]) -> dict[str, tuple[float, Summary]]:
    """Return what entries reach at the next larger share at which each is known, and that share."""
    found: dict[str, tuple[float, Summary]] = {}
    for later in (each for each in known if each > share):
        for name in names:
            if name in known[later]:
                found.setdefault(name, (later, known[later][name]))
    return found


def leading(
    table: pd.DataFrame, share: float, contenders: Sequence[str], subjects: Sequence[str]
) -> tuple[str, str, str] | None:
    """Say who keeps most accuracy at one share, and how the others stand to it.

    Args:
        table: what ``at_equal_cost`` returns for the axis.
        share: one of its shares, in [0, 1].
        contenders: who may lead.
        subjects: entries that are named; of the other contenders those that are tied are counted.

    Returns:
        the leader's name, what it reaches (in percent, with its spread over seeds) and a sentence about the others;
        None where nobody is known.
    """
    known = next(iter(summaries(table[(table.share - share).abs() < 1e-9]).values()), {})
    best = best_of(known, contenders)
    if best is None:
        return None
    states = {name: told(known[name], known[best]) for name in known if name != best and name in contenders}
    if not states:
        return best, percent(known[best]), "Nobody else is known here."
    named = [name for name in subjects if name in states]
    tied = [name for name in named if states[name] == "tied"]
    more = sum(state == "tied" for state in states.values()) - len(tied)
    tied += [f"{more} {'others' if more > 1 else 'other'}"] if more else []
    lower = [_lower(name, states[name], known[best].mean - known[name].mean) for name in named]
    parts = [f"Tied with it: {_listed(tied, ', ')}" if tied else "", _listed([each for each in lower if each], "; ")]
    unknown = [name for name in subjects if name not in known]
    parts.append(f"{_listed(unknown, ', ')}: not known here" if unknown else "")
    said = ". ".join(part for part in parts if part)
    return best, percent(known[best]), f"{said or 'All others are behind'}."


def _lower(name: str, state: Told, points: float) -> str:
    words = {
        "tied": "",
        "behind": f"{name} is behind by {100 * points:.2f} points",
        "scattered": f"{name} is {100 * points:.2f} points lower, too scattered over its seeds to be placed",
    }
    return words.get(state, f"{name} is {100 * points:.2f} points lower, which one seed cannot prove")


def verdict(table: pd.DataFrame, subject: str, contenders: Sequence[str]) -> str:
    """Say in a sentence where an entry stands among others on one axis, with numbers for every win and defeat.

    Args:
        table: what ``at_equal_cost`` returns for the axis.
        subject: the entry.
        contenders: whom it is compared with; the subject itself may be among them.

    Shares below half a percent are left out: all networks are the same there.
    """
    found = places(table[table.share > 0], subject, contenders)
    if not found:
        return f"{subject} has no two neighbouring points here, so there is nothing to compare."
    parts = [_part(state, found) for state in _WORDS if any(place.state == state for place in found.values())]
    return f"{subject} is {_listed(parts, '; ')}."


def _part(state: State, found: Mapping[float, Place]) -> str:
    shares = [share for share, place in found.items() if place.state == state]
    words = f"{_WORDS[state]} {ranges(shares, list(found))}"
    return words if state in ("tied", "alone") else f"{words} ({_example(shares, found)})"


def _example(shares: Sequence[float], found: Mapping[float, Place]) -> str:
    """Give the numbers in the middle of the shares."""
    share = shares[len(shares) // 2]
    place = found[share]
    assert place.others is not None  # whoever is ahead or behind has a rival
    where = "" if place.at == share else f" while removing {place.at:.0%}"
    return f"at {share:.0%}: {percent(place.own)}, {place.rival} {percent(place.others)}{where}"


def percent(found: Summary) -> str:
    """Write an accuracy in percent, with its standard deviation if there are several seeds."""
    spread = "" if found.seeds < 2 else f" ± {100 * found.deviation:.2f}"
    return f"{100 * found.mean:.2f}{spread}"


def ranges(shares: Sequence[float], among: Sequence[float]) -> str:
    """Write shares as ranges in percent: "at 66–82% and 86%"; many are counted instead.

    Args:
        shares: ascending, in [0, 1].
        among: all shares that were looked at, ascending.
    """
    runs: list[list[float]] = []
    for share in shares:
        if runs and round(100 * (share - runs[-1][-1])) == 1:
            runs[-1].append(share)
        else:
            runs.append([share])
    if len(runs) > _MOST_RANGES:
        return f"at {len(shares)} of {len(among)} shares from {_range(among)}"
    throughout = "throughout, " if 1 < len(shares) == len(among) else ""
    return f"{throughout}at {_listed([_range(run) for run in runs], ', ')}"


def _range(run: Sequence[float]) -> str:
    return f"{run[0]:.0%}" if len(run) == 1 else f"{100 * run[0]:.0f}–{run[-1]:.0%}"


def _listed(parts: Sequence[str], comma: str) -> str:
    *first, last = parts or [""]
    return f"{comma.join(first)} and {last}" if first else last


def control_verdict(table: pd.DataFrame, subject: str, controls: Sequence[str]) -> str | None:
    """Say how each control stands to the entry whose counts it has; None where none is known beside it."""
    parts = []
    for name in controls:
        found = places(table[table.entry.isin([name, subject]) & (table.share > 0)], name, [subject])
        shares = {state: [share for share, place in found.items() if place.state == state] for state in _WORDS}
        apart = [f"{state} {ranges(of, list(found))}" for state, of in shares.items() if of and state in _APART]
        if any(place.state != "alone" for place in found.values()):
            parts.append(f"{name}: {', '.join(apart) or 'tied throughout'}")
    return "; ".join(parts) + "." if parts else None
