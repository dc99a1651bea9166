"""Lesson 5: which pixels."""

from mipp_core.reports.lessons.lesson import Guess, Line, Lines, Link, Network, Step
from mipp_core.reports.lessons.reading import dense_of, in_band, reached, run_named
from mipp_core.reports.lessons.words import POINT, below, counted, epochs, share
from mipp_core.runs.document import LayerDocument, LevelDocument, RunDocument
from mipp_core.vocabulary import INPUT

RIM = 4
"""Pixels of a digit's image that lie around the middle 20 by 20, on each side; digits are drawn in the middle."""

FULL = 0.005
"""Accuracy within half a point of the dense network's."""

_A_LOT = 0.05
"""Of accuracy: more than this within one level is called too sure a step."""

_SHARES = (0.1, 0.3, 0.5, 0.75)


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps from the shipped runs that prune pixels, too."""
    return told(run_named("closed-pixels-0"), run_named("pixels-0"), run_named("closed-trained-0"))


def told(closed: RunDocument, regressors: RunDocument, whole: RunDocument) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        closed: of MIPP in closed form, pixels included.
        regressors: of MIPP by regressors, pixels included.
        whole: of a network that is given all pixels, to be drawn.
    """
    return _pixels(closed, whole), _where(closed), _how_many(closed, regressors), _end(closed)


def pixels_of(entry: LevelDocument) -> LayerDocument:
    """Return a level's pixels."""
    return next(layer for layer in entry["layers"] if layer["name"] == INPUT)


def rim_and_middle(pixels: LayerDocument) -> tuple[float, float]:
    """Return which share of the pixels is removed near the edge, and in the middle of a square image."""
    side = round(pixels["units"] ** 0.5)
    inside = range(RIM, side - RIM)
    middle = {row * side + column for row in inside for column in inside}
    gone = set(range(pixels["units"])) - set(pixels["kept_units"])
    return len(gone - middle) / (pixels["units"] - len(middle)), len(gone & middle) / len(middle)


def furthest(run: RunDocument) -> LevelDocument:
    """Return the level that removes most pixels within half a point of the dense accuracy; else the lowest."""
    near = [entry for entry in run["levels"] if (entry["accuracy_retrained"] or 0.0) >= dense_of(run) - FULL]
    return max(near or run["levels"][:1], key=lambda entry: pixels_of(entry)["pruning_ratio"])


def _pixels(run: RunDocument, whole: RunDocument) -> Step:
    pixels = pixels_of(run["levels"][0])
    return Step(
        "An image is a layer, too",
        "MIPP, the method of this app, takes out a **unit**, a filter or a neuron, if the next layer could be worked "
        f"out without it. The image can be asked in the same way: its {pixels['units']} **pixels** are the units of a "
        "layer that comes before the first. Can the first layer be worked out from fewer of them?\n\nAt the lowest "
        f"**level** (how sure one must be to *keep* something) {counted(pixels['units'] - pixels['kept'], 'pixel')} "
        "are not needed any more.",
        Network(whole["hash"], whole["levels"][0]["level"], ("network", "digits")),
    )


def _where(run: RunDocument) -> Step:
    entry = run["levels"][0]
    rim, middle = rim_and_middle(pixels_of(entry))
    truth = 0 if rim >= 2 * middle else 1 if middle >= 2 * rim else 2
    return Step(
        "Where are they?",
        "Think of all the handwritten digits there may be, one upon the other.",
        Network(run["hash"], entry["level"], ("slider", "network")),
        Guess(
            "Where do pixels go first?",
            ("Near the edge", "In the middle", "All over, about evenly"),
            truth,
            f"At the lowest level **{share(rim)}** of the pixels within {RIM} of the edge are gone, and "
            f"**{share(middle)}** of those in the middle.",
        ),
        "Nobody has told MIPP where digits are drawn: a pixel that is the same in every image tells the next layer "
        "nothing. Move the level, and look at the image on the left: faint pixels are gone. Filters and neurons go as "
        "well.",
    )


def _how_many(closed: RunDocument, regressors: RunDocument) -> Step:
    entry = furthest(closed)
    pixels, reaches = pixels_of(entry), reached([closed], entry["level"])[0]
    return Step(
        "How many can go?",
        "After the cut the network is **retrained**: trained for another "
        f"{epochs(closed['spec']['retraining']['epochs'])}, through the pixels that are left. The whole network reads "
        f"{share(dense_of(closed), 1)} of the test images correctly; we allow half a point less. {POINT}",
        Lines(
            "Pixels removed",
            "Test accuracy, retrained",
            "retrained",
            (_line("MIPP in closed form", closed, True), _line("MIPP by regressors", regressors)),
            "Test accuracy by share of pixels removed, for two ways to judge pixels",
            "how far each line stays up, and how far apart its dots, the levels, are.",
        ),
        Guess(
            "What share of the pixels can go?",
            ("Less than 10%", "10 to 30%", "30 to 50%", "50 to 75%", "More than 75%"),
            in_band(pixels["pruning_ratio"], _SHARES),
            f"**{share(pixels['pruning_ratio'])}**, at level {entry['level']}: {pixels['kept']} of {pixels['units']} "
            f"stay, and it reads {share(reaches, 1)}. {share(entry['sparsity'])} of the other units go with them.",
        ),
        _two_judges(closed, regressors),
    )


def _line(name: str, run: RunDocument, is_strong: bool = False) -> Line:
    found = [entry for entry in run["levels"] if entry["accuracy_retrained"] is not None]
    found.sort(key=lambda entry: pixels_of(entry)["pruning_ratio"])
    across = tuple(pixels_of(entry)["pruning_ratio"] for entry in found)
    return Line(name, across, tuple(entry["accuracy_retrained"] or 0.0 for entry in found), is_strong)


def _two_judges(closed: RunDocument, regressors: RunDocument) -> str:
    """Say how the two ways to judge pixels differ."""
    first, second = regressors["levels"][:2]
    lost = dense_of(regressors) - (second["accuracy_retrained"] or 0.0)
    most = pixels_of(furthest(regressors))["pruning_ratio"]
    return (
        "MIPP can judge in two ways: in **closed form**, by solving equations, or by **regressors**, small networks "
        f"that learn to work out the next layer. Regressors remove {share(most)} within half a point. Their next level "
        f"keeps {pixels_of(second)['kept']} pixels in place of {pixels_of(first)['kept']}, and the network is "
        f"{below(lost)} the whole one.{_too_sure(lost)}"
    )


def _too_sure(lost: float) -> str:
    return " **A judge may be too sure**: the curve shows it, a level alone does not." if lost > _A_LOT else ""


def _end(run: RunDocument) -> Step:
    entry = furthest(run)
    pixels = pixels_of(entry)
    return Step(
        "In short",
        "- The same question serves for units and for pixels: can the next layer be worked out without it?\n"
        f"- In closed form {share(pixels['pruning_ratio'])} of the pixels may go within half a point: those that "
        "this network does without.\n"
        "- How far one may go is not said by the method, but by the test images.\n\n"
        "In Explore, *Prune pixels* is a switch among the controls.",
        Network(run["hash"], entry["level"], ("slider", "network")),
        link=Link("Go on in Explore", "", {"pixels": "true", "method": "closed form"}),
    )
