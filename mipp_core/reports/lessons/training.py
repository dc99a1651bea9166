"""Lesson 4: before and after training."""

from mipp_core.reports.lessons.lesson import Bar, Bars, Guess, Link, Network, Step
from mipp_core.reports.lessons.reading import (
    OWN,
    Runs,
    dense_of,
    in_band,
    levels_of,
    nearest,
    own_layers,
    raced,
    reached,
    removed,
    run_named,
)
from mipp_core.reports.lessons.words import (
    COLLAPSE,
    DENSE,
    DOTS,
    LEVEL,
    POINT,
    below,
    counted,
    each,
    epochs,
    mean,
    moved,
    rivals,
    seeds,
    share,
)
from mipp_core.runs.document import LayerDocument, RunDocument
from mipp_core.runs.result import entry_of

GUESSING = 0.2
"""Of ten classes: a network that is right less often than this is said to guess; blind guessing gives one in ten."""

_LOST = (0.005, 0.02, 0.1)


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps from shipped runs at initialisation, and one after training."""
    return told(run_named("closed-untrained-0"), raced("untrained"), run_named("untrained-0"), run_named("trained-0"))


def told(long: RunDocument, runs: Runs, before: RunDocument, after: RunDocument) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        long: of MIPP in closed form at initialisation, whose networks are trained as long as the dense one.
        runs: MIPP's at initialisation, with its controls, one per seed.
        before: of MIPP at initialisation, with every level.
        after: the same after training.
    """
    return _untaught(long), _trained(long), _raced(runs), _elsewhere(before, after), _end(long, runs)


def _untaught(run: RunDocument) -> Step:
    level = levels_of([run])[-1]
    return Step(
        "A network that has learnt nothing",
        "A network begins with random weights; that is called **initialisation**. Training changes them until the "
        f"answers are right. Before that, this network reads {share(run['network_accuracy'] or 0.0)} of the test "
        f"images: blind guessing among ten digits. {DENSE}\n\nMIPP can **prune** it all the same, that is, take out "
        "**units** (filters and neurons): it asks whether the next layer could be worked out without a unit, and for "
        "that needs images, but no labels and no right answers. "
        f"{LEVEL} In the picture, at level {level}, {share(entry_of(run, level)['sparsity'])} of the units are gone, "
        "before anything was learnt.",
        Network(run["hash"], level),
    )


def _trained(run: RunDocument) -> Step:
    level = levels_of([run])[-1]
    entry, accuracy = entry_of(run, level), reached([run], level)[0]
    lost = dense_of(run) - accuracy
    spec = run["spec"]
    long, own = spec["network"]["recipe"]["epochs"], spec["retraining"]["epochs"]
    parameters, macs = (1 - entry[key] / run[key] for key in ("parameters", "macs"))
    return Step(
        "Prune first, train then",
        f"Now the small network, with {share(entry['sparsity'])} of its units gone, is trained for {epochs(own)}. "
        f"The dense network, trained for {long}, reads {share(dense_of(run), 1)} of the test images correctly. {POINT}",
        Network(run["hash"], level, ("headline", "slider", "network", "curve")),
        Guess(
            "How much worse is the small one?",
            ("Less than half a point", "Half a point to 2 points", "2 to 10 points", "More than 10 points"),
            in_band(lost, _LOST),
            f"It reads **{share(accuracy, 1)}** of the test images: {moved(-lost, 2)}.",
        ),
        f"With the units go {share(parameters)} of the **parameters** (all weights) and {share(macs)} of the **MACs**, "
        "the multiplications with an addition each that an image costs: in training, too, since the network is small "
        f"from the start. {COLLAPSE}\n\nMove the level: the higher it is, the surer one must be to *keep* a unit.",
    )


def _raced(runs: Runs) -> Step:
    level = levels_of(runs)[-1]
    own, lots = (reached(runs, level, name) for name in (OWN, "random"))
    guessing, total = _guessing(lots), len(lots)
    return Step(
        "Does it matter which?",
        f"The units have learnt nothing yet, so surely any would do? {seeds(total)}, "
        f"{share(removed(runs, level))} of the units gone, {counted(runs[0]['spec']['retraining']['epochs'], 'epoch')} "
        f"of training. MIPP's reach **{mean(own)}** on average ({each(own)}). The rivals keep equally many units in "
        "every layer, drawn by lot.",
        _bars(runs, level),
        Guess(
            f"How many of the {total} random ones never learn, and only guess?",
            ("None", "Some, but not all", f"All {total}"),
            0 if not guessing else 2 if guessing == total else 1,
            f"**{guessing} of {total}** ({each(lots)}).",
        ),
        _why(own, guessing) + " *Fresh weights* are networks that were built with these widths; *largest weights* keep "
        "the units whose weights are largest.",
    )


def _guessing(values: tuple[float, ...]) -> int:
    return sum(value < GUESSING for value in values)


def _why(own: tuple[float, ...], guessing: int) -> str:
    if guessing > _guessing(own):
        return (
            "A few units are enough only if they say different things: where those that are left say nearly the same, "
            "nothing gets through for training to work on."
        )
    return "Here random units learn as surely as MIPP's."


def _bars(runs: Runs, level: int) -> Bars:
    rows = rivals(runs, level)
    said = "; ".join(f"{row.name} {each(row.values)}" for row in rows)
    return Bars(
        "Test accuracy, trained after pruning",
        "retrained",
        rows,
        f"Test accuracy of networks that were pruned before training: {said}",
        f"single dots near 10%: networks that only guess. {DOTS}",
    )


def _elsewhere(before: RunDocument, after: RunDocument) -> Step:
    late = nearest([after], 0.5)
    early = nearest([before], entry_of(after, late)["sparsity"])
    old, new = own_layers(entry_of(before, early)), own_layers(entry_of(after, late))
    rows = [
        row for one, other in zip(old, new, strict=True) for row in (_row(one, "before", True), _row(other, "after"))
    ]
    thin, thinned = (min(layers, key=lambda layer: layer["kept"] / layer["units"]) for layers in (old, new))
    where = (
        f"Before training the layer *{thin['name']}* gives up most, after it *{thinned['name']}*."
        if thin["name"] != thinned["name"]
        else f"Before and after training, the layer *{thin['name']}* gives up most."
    )
    return Step(
        "Other layers give way",
        f"The same network, pruned before training at level {early} ({share(entry_of(before, early)['sparsity'])} of "
        f"the units gone) and after it at level {late} ({share(entry_of(after, late)['sparsity'])} gone), the two "
        f"levels that are nearest to each other in size. {where} "
        "Training changes which layers have units to spare, so what is true of one need not be true of the other.",
        Bars(
            "Share of the layer's units that stay",
            "kept",
            tuple(rows),
            "Share of units kept in each layer: " + "; ".join(f"{row.name} {mean(row.values, 0)}" for row in rows),
            "in which layers the two bars differ most.",
        ),
    )


def _row(layer: LayerDocument, when: str, is_strong: bool = False) -> Bar:
    return Bar(f"{layer['name']}, {when}", (layer["kept"] / layer["units"],), is_strong)


def _end(run: RunDocument, runs: Runs) -> Step:
    last = levels_of(runs)[-1]
    own, lots = (_guessing(reached(runs, last, name)) for name in (OWN, "random"))
    level = levels_of([run])[-1]
    lost = dense_of(run) - reached([run], level)[0]
    return Step(
        "In short",
        f"- Before it has learnt anything, a network can lose {share(entry_of(run, level)['sparsity'])} of its units; "
        f"trained after that, it is {below(lost, 2)} the dense one.\n"
        f"- With {share(removed(runs, last))} gone and a short training, {lots} of {len(runs)} networks of random "
        f"units never learn, and {own} of MIPP's.\n"
        "- What can be spared before training need not be what can be spared after it.\n\n"
        "In Explore the choice is called *Prune the network: trained, or at initialisation*.",
        Network(run["hash"], level, ("slider", "network")),
        link=Link("Go on in Explore", "", {"start": "at initialisation", "method": "closed form"}),
    )
