"""Lesson 3: do the widths alone explain it?"""

from mipp_core.reports.comparison_tables import CONTROL_NAMES
from mipp_core.reports.lessons.lesson import Bars, Choice, Guess, Link, Network, Step
from mipp_core.reports.lessons.reading import (
    OWN,
    Runs,
    levels_of,
    nearest,
    own_layers,
    raced,
    reached,
    removed,
    run_named,
    stands,
)
from mipp_core.reports.lessons.words import (
    DOTS,
    LEVEL,
    POINT,
    counted,
    each,
    epochs,
    luck,
    mean,
    moved,
    rivals,
    seeds,
    share,
    sizes,
)
from mipp_core.reports.standing import Told
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import entry_of

_STANDS: dict[Told, int] = {"behind": 0, "ahead": 1, "tied": 2, "scattered": 2, "open": 2}
"""How fresh weights stand to MIPP's units -> the option that says so."""


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps from the shipped comparison of trained networks."""
    return told(raced("trained"), run_named("trained-0"))


def told(runs: Runs, shown: RunDocument) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        runs: MIPP's on trained networks, with its controls, one per seed.
        shown: the first of them with every level, to be drawn.
    """
    level = nearest(runs, 0.72)
    return _width(shown, level), _fresh(runs, level), _sizes(runs, level), _end(runs)


def _width(shown: RunDocument, level: int) -> Step:
    entry = entry_of(shown, level)
    before = "-".join(str(layer["units"]) for layer in own_layers(entry))
    after = "-".join(str(layer["kept"]) for layer in own_layers(entry))
    return Step(
        "Two things at once",
        "How many **units** (filters and neurons, the squares and dots of the picture) a layer has is its **width**. "
        "A method that **prunes**, that is, takes units out of a trained network, decides two things at once: *which* "
        f"units stay, and *how many* in each layer. {LEVEL} At level {level}, MIPP turns the widths {before} into "
        f"**{after}**.\n\nSo if the small network is good, why is it? Because those very units stayed? Or would *any* "
        "network of these widths do? There is a way to find out: keep the widths, and throw everything else away.",
        Network(shown["hash"], level),
    )


def _bars(runs: Runs, level: int) -> Bars:
    rows = rivals(runs, level)
    said = "; ".join(f"{row.name} {mean(row.values, 2)}" for row in rows)
    return Bars(
        "Test accuracy, retrained",
        "retrained",
        rows,
        f"Test accuracy of four networks of the same widths: {said}",
        f"whether the dots of two rows overlap; the thick mark is their mean. {DOTS}",
    )


def _fresh(runs: Runs, level: int) -> Step:
    own, fresh = (reached(runs, level, name) for name in (OWN, "scratch"))
    spec = runs[0]["spec"]
    long, more = spec["network"]["recipe"]["epochs"], spec["retraining"]["epochs"]
    return Step(
        "Only the widths",
        f"Two small networks of the **same widths**, with {share(removed(runs, level))} of the units gone on average "
        f"over {seeds(len(runs))}:\n\n"
        f"- **MIPP's units**: cut out of the network that was trained for {epochs(long)}, with their weights, and then "
        f"**retrained**, that is, trained for another {more}.\n"
        f"- **Fresh weights**: built small, begun with random weights, trained for {counted(long, 'epoch')}. It never "
        "saw the large network; it only has its widths from MIPP.",
        _bars(runs, level),
        Guess(
            "Which of the two reads more test images correctly?",
            ("MIPP's units", "Fresh weights", "Neither: the difference is luck, or cannot be told from it"),
            _STANDS[stands(fresh, own)],
            f"MIPP's units **{mean(own, 2)}** ({each(own, 2)}), fresh weights **{mean(fresh, 2)}** ({each(fresh, 2)}). "
            f"The difference is {luck(own, fresh)}.",
        ),
        _meaning(stands(fresh, own)),
    )


def _meaning(how: Told) -> str:
    return {
        "ahead": "That speaks against us, and so it belongs here: at this size the widths explain it all. What MIPP "
        "found out is how wide each layer has to be.",
        "behind": "So the widths alone do not explain it: it matters which units stayed, with what they had learnt.",
    }.get(how, "So, as far as these seeds can tell, the widths alone explain it.")


def _sizes(runs: Runs, level: int) -> Step:
    names = {f"{share(removed(runs, each_level))} gone": _bars(runs, each_level) for each_level in levels_of(runs)}
    ahead, tied, behind = _judged(runs)
    return Step(
        "At every size",
        f"The same race at {counted(len(names), 'size')}. Fresh weights are ahead at: {sizes(ahead)}; behind at: "
        f"{sizes(behind)}; not told apart by these seeds: {sizes(tied)}.\n\nWhere a dot is near 10%, "
        "that network only guesses among ten digits: a layer has lost too much.",
        Choice(
            "Units removed",
            "Each is a level of MIPP's, on average over the seeds.",
            names,
            f"{share(removed(runs, level))} gone",
        ),
    )


def _judged(runs: Runs) -> tuple[list[float], list[float], list[float]]:
    """Return the shares removed at which fresh weights are ahead of MIPP's units, not told apart, and behind."""
    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    for level in levels_of(runs):
        how = stands(reached(runs, level, "scratch"), reached(runs, level))
        found[("ahead", "tied", "behind").index(how) if how in ("ahead", "behind") else 1].append(removed(runs, level))
    return found


def _end(runs: Runs) -> Step:
    ahead, tied, behind = map(len, _judged(runs))
    level = nearest(runs, 0.72)
    fresh = sum(reached(runs, level, "scratch")) / len(runs) - sum(reached(runs, level)) / len(runs)
    return Step(
        "In short",
        "- Pruning finds two things: units and widths. To know which of them helps, keep one and throw the other "
        f"away.\n- Here fresh weights of MIPP's widths are ahead at {counted(ahead, 'size')}, behind at {behind}, and "
        f"not told apart at {tied}. With {share(removed(runs, level))} gone they read {moved(fresh)}. {POINT}\n"
        "- That is no reason to leave pruning: without MIPP nobody would know the widths, and fresh weights need the "
        "full training once more.\n\n"
        "Compare has this race for every pruner of the app, with the seeds' spread.",
        _bars(runs, level),
        link=Link(
            "Go on in Compare",
            "compare",
            {"cmp_highlight": "MIPP", "cmp_pinned": CONTROL_NAMES["scratch"]},
        ),
    )
