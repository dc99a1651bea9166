"""Print the tables of docs/information.md: Theorem 1 on the shipped LeNet5, and the shipped readings of estimators.

    python -m benchmarks.information_tables

The first takes one core about a minute, the second nothing: it is read from the package.
"""

from collections.abc import Iterable
from statistics import fmean, stdev

import torch

from mipp_core.data import load_dataset
from mipp_core.network.layers import wiring_of
from mipp_core.playground.blind import EXAMPLES, example
from mipp_core.playground.estimators import ESTIMATORS
from mipp_core.playground.grid import Grid, Reading, readings
from mipp_core.playground.known import DISTRIBUTIONS
from mipp_core.playground.theorem import ORDERS, Theorem
from mipp_core.reports.information import DENSE, shipped_information, shipped_network
from mipp_core.training import one_thread

SEEDS = 5
IMAGES = (4000, 60)


def theorems(layer: str, images: int) -> list[Theorem]:
    """Return a layer's figures for some seeds, each with its own images to fit on."""
    data = load_dataset(DENSE.dataset)
    train, test = data.train.in_memory(), data.test.in_memory()
    wiring = wiring_of(shipped_network(), train.images[:2])
    draws = [train.stratified(images, torch.Generator().manual_seed(seed)).images for seed in range(SEEDS)]
    return [Theorem(wiring, layer, drawn, test.images, test.labels, seed) for seed, drawn in enumerate(draws)]


def spread(values: Iterable[float], form: str = ".1f") -> str:
    """Return mean and standard deviation in words."""
    found = list(values)
    return f"{fmean(found):{form}} ± {stdev(found):{form}}"


def row(*cells: object) -> None:
    """Print one line of a table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def print_theorem() -> None:
    """Print what can go of every layer, and what is lost with half of the units gone in MIPP's order."""
    row("layer", "fitted on", "free", *(f"1%: {name}" for name in ORDERS), "half gone: fitted", "held out", "right")
    row(*["---"] * (6 + len(ORDERS)))
    for layer in ("conv1", "conv2", "fc1", "fc2"):
        for images in IMAGES:
            made = [{name: each.rebuilt(name) for name in ORDERS} for each in theorems(layer, images)]
            ours = [each["MIPP"] for each in made]
            cheap = [spread(each[name].cheap for each in made) for name in ORDERS]
            half = len(ours[0].order) // 2
            parts = [("fitted", ".3%"), ("held", ".2%"), ("accuracy", ".1%")]
            lost = [spread([getattr(each, part)[half] for each in ours], form) for part, form in parts]
            row(f"{layer}, {len(ours[0].order)}", images, spread(each.free for each in ours), *cheap, *lost)


def print_blind() -> None:
    """Print what the last bit's removal costs in the smallest examples."""
    row("A", "best", "closed form", "perceptrons")
    row(*["---"] * 4)
    for name, title in EXAMPLES.items():
        made = [example(name, seed) for seed in range(SEEDS)]
        linear, trained = ([getattr(each, kind).lost for each in made] for kind in ("linear", "perceptrons"))
        row(title, f"{made[0].best.lost:.1%}", spread(linear, ".1%"), spread(trained, ".1%"))


def off(found: list[Reading], at: float, along: str) -> str:
    """Return how far an estimator is off at one place, and its spread."""
    here = next((each for each in found if getattr(each, along) == at), None)
    return "" if here is None else f"{here.mean - here.truth:+.2f} ± {here.deviation:.2f}"


def print_readings() -> None:
    """Print how far every estimator is off, in nats, where the two lines cross and at their ends."""
    documents, grid = shipped_information()["pairs"], Grid()
    row("pair", "strength, n", "truth", *(each.title for each in ESTIMATORS.values()))
    row(*["---"] * (3 + len(ESTIMATORS)))
    places = [("n", grid.at, min(grid.samples)), ("n", grid.at, grid.among), ("n", grid.at, max(grid.samples))]
    for name, pair in DISTRIBUTIONS.items():
        for along, strength, n in [*places, ("strength", max(grid.strengths), grid.among)]:
            place = n if along == "n" else strength
            found = [off(readings(documents[name], each, along), place, along) for each in ESTIMATORS]
            row(name, f"{strength:g}, {n:,}", f"{pair.truth(strength):.2f}", *found)
    row("seconds", f"n = {grid.among:,}", "", *(_seconds(documents, each, grid.among) for each in ESTIMATORS))


def _seconds(documents: dict[str, dict[str, object]], estimator: str, n: int) -> str:
    every = [each for document in documents.values() for each in readings(document, estimator, "n") if each.n == n]
    return f"{fmean(each.seconds for each in every):.2g}"


if __name__ == "__main__":
    print_readings()
    with one_thread():
        print_blind()
        print_theorem()
