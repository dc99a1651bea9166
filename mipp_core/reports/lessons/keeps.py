"""Lesson 1: what MIPP keeps, and why."""

from mipp_core.reports.lessons.lesson import Guess, Link, Network, Step
from mipp_core.reports.lessons.reading import dense_of, in_band, levels_of, nearest, own_layers, reached, run_named
from mipp_core.reports.lessons.words import COLLAPSE, DENSE, counted, epochs, listed, moved, share
from mipp_core.reports.nesting import crossings
from mipp_core.reports.tables import headline
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import entry_of

_QUARTERS = (0.25, 0.5, 0.75)
_LEFT = (0.25, 0.5, 0.9)


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps from the shipped run in closed form."""
    return told(run_named("closed-trained-0"))


def told(run: RunDocument) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        run: of MIPP, on a trained network, with levels that are rebuilt and retrained.
    """
    return _units(run), _question(run), _repair(run), _how_far(run), _end(run)


def _units(run: RunDocument) -> Step:
    first = run["levels"][0]
    layers = own_layers(first)
    units = sum(layer["units"] for layer in layers)
    gone = units - sum(layer["kept"] for layer in layers)
    return Step(
        "A network is layers of units",
        f"This network reads handwritten digits. The image goes in on the left; {counted(len(layers), 'layer')} "
        "follow, and behind them the answer. Every square or dot is a **unit**: a *filter* looks for one small "
        f"pattern all over the image, a *neuron* adds up what the units before it say. There are {units} of them. "
        f"{DENSE} This one reads {share(dense_of(run), 1)} of the test images correctly: images that it has never "
        "seen.\n\n**Pruning** takes units out for good, so that the network gets smaller and faster. "
        f"At the lowest setting {counted(gone, 'unit')} {'is' if gone == 1 else 'are'} gone; they are drawn faintly.",
        Network(run["hash"], first["level"]),
    )


def _question(run: RunDocument) -> Step:
    level = nearest([run], 0.5)
    layers = own_layers(entry_of(run, level))
    most = max(layers, key=lambda layer: layer["pruning_ratio"])
    least = min(layers, key=lambda layer: layer["pruning_ratio"])
    nested = (
        " In this run what has gone stays gone: no unit comes back at a higher level." if not crossings(run) else ""
    )
    return Step(
        "One question for every unit",
        "MIPP, the method of this app, asks of each unit: **can what the next layer computes still be worked out from "
        "the units that are left?** If so, nothing that matters is lost, and the unit goes. Of two units that always "
        "say the same, one can go; so can a unit that says the same of every image.\n\nA **level** says how sure one "
        f"must be to *keep* a unit. Move it up: more and more go.{nested} At level {level} the layer *{most['name']}* "
        f"has given up {share(most['pruning_ratio'])} of its units and *{least['name']}* "
        f"{share(least['pruning_ratio'])}: MIPP finds by itself which layers can spare some.",
        Network(run["hash"], level, ("slider", "network")),
    )


def _repair(run: RunDocument) -> Step:
    level = nearest([run], 0.7)
    cut, rebuilt, retrained = (reached([run], level, measure=name)[0] for name in ("pruned", "rebuilt", "retrained"))
    more = epochs(run["spec"]["retraining"]["epochs"])
    return Step(
        "Cut, rebuilt, retrained",
        f"At level {level}, {share(entry_of(run, level)['sparsity'])} of the units are taken out. The others keep "
        "their weights, the numbers that training has found. Nothing is repaired: we call this network **cut**.",
        Network(run["hash"], level, ("network", "digits")),
        Guess(
            f"The dense network reads {share(dense_of(run), 1)} of the test images. How many does the cut one read?",
            ("Less than a quarter", "A quarter to a half", "A half to nine in ten", "More than nine in ten"),
            in_band(cut, _LEFT),
            f"Cut, it reads **{share(cut, 1)}**.",
        ),
        "There are two repairs. **Rebuilt**: the units that are left get new weights, computed in one go, so that "
        f"every next layer is told as nearly as possible what it was told before: {share(rebuilt, 1)}. **Retrained**: "
        f"the small network is trained for another {more}: {share(retrained, 1)}.\n\nPick a digit, or draw one: all "
        "four networks read it, in your browser.",
    )


def _how_far(run: RunDocument) -> Step:
    far = headline(run)["removed"] or 0.0
    level = next((entry["level"] for entry in run["levels"] if entry["sparsity"] == far), levels_of([run])[0])
    entry, accuracy = entry_of(run, level), reached([run], level)[0]
    parameters, macs = (1 - entry[key] / run[key] for key in ("parameters", "macs"))
    return Step(
        "How many can go?",
        "The network may be **retrained** after the cut, and lose at most 1 point: one image more in a hundred that it "
        "reads wrongly.",
        Network(run["hash"], level, ("headline", "slider", "network", "curve")),
        Guess(
            "What share of all units can go?",
            ("Less than a quarter", "A quarter to a half", "A half to three quarters", "More than three quarters"),
            in_band(far, _QUARTERS),
            f"**{share(far)}** of the units, at level {level}. Retrained, it reads {share(accuracy, 1)}: "
            f"{moved(accuracy - dense_of(run))} than the dense one.",
        ),
        f"A unit takes its weights along: {share(parameters)} of the **parameters** (all weights) are gone, and "
        f"{share(macs)} of the **MACs**, the multiplications with an addition each that an image costs. {COLLAPSE}\n\n"
        "Move the level and watch the curve: where does it break?",
    )


def _end(run: RunDocument) -> Step:
    level = nearest([run], 0.7)
    layers = own_layers(entry_of(run, level))
    widths = listed([f"{layer['kept']} of {layer['units']}" for layer in layers])
    return Step(
        "In short",
        "- MIPP keeps a unit if the next layer could not be worked out without it. It needs no labels for that: nobody "
        "has to tell it which digit is which.\n"
        "- How much goes is set by one number, the level.\n"
        "- A cut network can be repaired: rebuilt at once, or retrained.\n\n"
        f"At level {level} these stay, layer by layer: {widths}. The free page has the same network and all controls.",
        Network(run["hash"], level, ("slider", "network")),
        link=Link("Go on in Explore", "", {"method": "closed form"}),
    )
