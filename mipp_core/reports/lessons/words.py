"""How lessons write figures, and the words that they explain."""

from collections.abc import Sequence
from statistics import fmean

from mipp_core.information import LEVELS
from mipp_core.reports.lessons.lesson import Bar
from mipp_core.reports.lessons.reading import OWN, Runs, luck_explains, reached, stands

NAMES = {
    OWN: "MIPP's units",
    "magnitude": "largest weights",
    "random": "random units",
    "scratch": "fresh weights",
}
"""What choices of units are called."""

DENSE = "The whole network, with nothing removed, is called **dense**."

LEVEL = f"A **level**, from 0 to {LEVELS - 1}, says how sure MIPP must be to *keep* a unit: at higher levels more go."

POINT = "A *point* is one image in a hundred."

COLLAPSE = "A layer *collapses* when no unit is left in it: nothing gets through any more."

DOTS = "Every dot is one seed."


def rivals(runs: Runs, level: int) -> tuple[Bar, ...]:
    """Return a bar for each of four networks of the same widths: MIPP's units, and three rivals."""
    names = (OWN, "scratch", "magnitude", "random")
    return tuple(Bar(NAMES[name], reached(runs, level, name), name == OWN) for name in names)


def seeds(count: int) -> str:
    """Write a number of seeds, and what a seed is."""
    return f"{count} **seeds** (the whole experiment each time anew, begun with other random weights)"


def epochs(number: int) -> str:
    """Write for how long a network is trained, and what an epoch is."""
    return f"{number} **epoch{'' if number == 1 else 's'}** (each is once through all training images)"


def share(value: float, places: int = 0) -> str:
    """Write a share in per cent."""
    return f"{value:.{places}%}"


def mean(values: Sequence[float], places: int = 1) -> str:
    """Write a mean accuracy in per cent."""
    return share(fmean(values), places)


def each(values: Sequence[float], places: int = 1) -> str:
    """Write every seed's accuracy in per cent."""
    return listed([share(value, places) for value in values])


def listed(words: Sequence[str]) -> str:
    """Join words: one, two and three."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def points(difference: float, places: int = 1) -> str:
    """Write a difference of two accuracies, without its sign."""
    written = f"{abs(100 * difference):.{places}f}"
    return f"{written} point{'' if float(written) == 1 else 's'}"


def moved(difference: float, places: int = 1) -> str:
    """Write a difference of two accuracies as more or less."""
    return f"{points(difference, places)} {'more' if difference > 0 else 'less'}"


def sizes(shares: Sequence[float]) -> str:
    """Write shares removed as a list; ``none`` where there are none."""
    return listed([share(each_share) for each_share in shares]) if shares else "none"


def below(difference: float, places: int = 1) -> str:
    """Write by how much something lies below another, or above it."""
    return f"{points(difference, places)} {'below' if difference >= 0 else 'above'}"


def counted(number: int, one: str) -> str:
    """Write a number of things."""
    return f"{number} {one}{'' if number == 1 else 's'}"


def luck(one: Sequence[float], other: Sequence[float]) -> str:
    """Say, to follow a difference, whether luck explains it: how far the means are apart, beside what may be.

    The seeds explain what ``mipp_core.reports.standing.explained`` says; an entry none of whose seeds reaches the
    other's worst is told apart even within that, and then the words give no such figure.
    """
    how, explained = stands(one, other), luck_explains(one, other)
    apart = abs(fmean(one) - fmean(other))
    if how in ("ahead", "behind"):
        said = "more than the luck of the seeds explains"
        if apart > explained:
            return f"{said}: the means are {points(apart, 2)} apart, and luck explains {points(explained, 2)}"
        return f"{said}: no seed of the one reaches the other's worst"
    if how == "tied":
        return f"no more than the luck of the seeds explains, which is up to {points(explained, 2)}"
    return "and the seeds are too few, or too far apart, to tell whether that is luck"
