"""What there is to see in a study, in sentences whose figures are computed."""

from statistics import fmean, pstdev

from mipp_core.pixels.choosing import returned
from mipp_core.pixels.study import MIPP
from mipp_core.reports.pixels import Measured, PixelStudy, likeness, read

_TENTH = 0.1


def last_place(study: PixelStudy) -> int:
    """Return the place of the last level that keeps a tenth of the pixels; of the first where none does."""
    pixels = len(study["kept"][0])
    return max((at for at, text in enumerate(study["kept"]) if text.count("1") >= _TENTH * pixels), default=0)


def of_places(study: PixelStudy, place: int) -> str:
    """Say how MIPP's pixels and the others' overlap at one level, and how close they lie."""
    common, together = likeness(study)
    shares, close = ([each[name][place] or 0.0 for name in study["orders"]] for each in (common, together))
    count, own = study["kept"][place].count("1"), together[MIPP][place]
    if own is None:
        return "no pixel is left, so there is nothing to compare."
    chance = count / len(study["kept"][0])
    return (
        f"at level {study['levels'][place]} everybody has {count} pixels; each share here would be {chance:.0%} by "
        f"chance. MIPP and another ranking have {_between(shares)} in common. Of the pixels next to a kept one MIPP "
        f"keeps {own:.0%}, the others {_between(close)}: {_why(own, chance, min(close))}{_back(study)}"
    )


def _back(study: PixelStudy) -> str:
    """Say how many pixels come back where levels are not nested."""
    back = returned([read(text) for text in study["kept"]])
    return f" {back} pixels that a level removes are kept again by the next." if back else ""


def _why(own: float, chance: float, others: float) -> str:
    """Say what it means how close MIPP's pixels lie."""
    if own >= others:
        return "here MIPP's lie as close as theirs."
    if own >= chance:
        return "MIPP scatters its pixels nearly as chance does, the others keep whole patches."
    return (
        "neighbours tell nearly the same, so MIPP, which asks what is lost *given the rest*, thins them out; the "
        "others score each pixel whatever its neighbours are, and keep whole patches."
    )


def _between(shares: list[float]) -> str:
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low} to {high}"


def of_accuracies(study: PixelStudy, place: int) -> str:
    """Say whose pixels do best at one level, blanked and trained; trained at the nearest level where that was done."""
    blanked, trained = study["blanked"], study.get("trained")
    words = (
        f"with the {study['kept'][place].count('1')} pixels of level {study['levels'][place]} the unchanged network is "
        f"right on {_ranked(blanked, place)}; {fmean(blanked['whole']):.1%} with all pixels"
    )
    if not trained:
        return f"{words}. Networks trained on only these pixels take minutes: the shipped runs have them."
    near = min(trained["places"], key=lambda at: abs(at - place))
    level = "" if near == place else f" (of level {study['levels'][near]}, the nearest that was trained)"
    return (
        f"{words}. Trained on only these pixels{level}: {_ranked(trained, near)}. Blanking shows a network what it has "
        f"never seen, a digit with holes; training lets it learn to read them. {_standing(trained, near)}"
    )


def of_need(study: PixelStudy) -> str:
    """Say what networks reach that are trained on the fewest pixels that were tried, MIPP's and the best others."""
    trained = study.get("trained")
    if not trained:
        return ""
    place = trained["places"][-1]
    count = study["kept"][place].count("1")
    best = next(who for who in _order(trained, place) if who != MIPP)
    own, other = (_with_spread(_row(trained, who, place)) for who in (MIPP, best))
    return (
        f"Networks trained on only {count} pixels of deformed digits reach {own} with MIPP's and {other} "
        f"with those of {best}; {_with_spread(trained['whole'])} with all."
    )


def _row(measured: Measured, who: str, place: int) -> list[float]:
    at = measured["places"].index(place)
    return [row[at] for row in measured["rows"][who]]


def _order(measured: Measured, place: int) -> list[str]:
    return sorted(measured["rows"], key=lambda who: -fmean(_row(measured, who, place)))


def _ranked(measured: Measured, place: int) -> str:
    return ", ".join(f"{who} {_with_spread(_row(measured, who, place))}" for who in _order(measured, place))


def _with_spread(values: list[float]) -> str:
    return f"{fmean(values):.1%}" + (f" ± {100 * pstdev(values):.1f}" if len(values) > 1 else "")


def _standing(measured: Measured, place: int) -> str:
    """Say who is ahead of MIPP, who is level with it, and who is behind."""
    leads = {who: _lead(measured, who, place) for who in _order(measured, place) if who != MIPP}
    groups = {"Ahead of MIPP": 1, "level with it within the seeds' spread": 0, "behind": -1}
    named = {words: [who for who, lead in leads.items() if lead == sign] for words, sign in groups.items()}
    return "; ".join(f"{words}: {', '.join(names) or 'nobody'}" for words, names in named.items()) + "."


def _lead(measured: Measured, who: str, place: int) -> int:
    """Return 1 where somebody is ahead of MIPP by more than both spreads over seeds, -1 where behind, else 0."""
    own, other = (_row(measured, each, place) for each in (MIPP, who))
    gap, spread = fmean(other) - fmean(own), pstdev(other) + pstdev(own)
    return 0 if abs(gap) <= spread else 1 if gap > 0 else -1
