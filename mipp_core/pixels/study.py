"""MIPP's pixels beside as many of other rankings: where they are, and what a network can do with them alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.data.dataset import Samples, Split, View
from mipp_core.errors import SettingError
from mipp_core.evaluation import accuracy
from mipp_core.pixels.choosing import Keep, order_of, top
from mipp_core.pixels.rankings import rankings
from mipp_core.recipes import Recipe
from mipp_core.training import train
from mipp_core.vocabulary import INPUT, Progress, Report, silent

MIPP, RANDOM = "MIPP", "random"

Orders = dict[str, list[int]]
"""Ranking -> all pixels, the one that matters most first."""

Choices = dict[str, list[list[Keep]]]
"""Who chose -> draw -> level -> the pixels kept; only random pixels are drawn more than once."""

Accuracies = dict[str, list[list[float]]]
"""Who chose -> draw or seed -> level -> accuracy, in [0, 1]."""


@dataclass(frozen=True)
class Sizes:
    """On how many images a study is made.

    Attributes:
        ranked: test images, the first ones, that attributions and variances are averaged over; at least 1.
        judged: test images, those after them, that accuracies are measured on; at least 1, or None for all of them.
        draws: of random pixels, at least 1.

    Raises:
        SettingError: a number is below 1.
    """

    ranked: int = 1000
    judged: int | None = None
    draws: int = 5

    def __post_init__(self) -> None:
        if min(self.ranked, 1 if self.judged is None else self.judged, self.draws) < 1:
            raise SettingError(
                f"Pixels were to be ranked on {self.ranked} images, judged on {self.judged}, with {self.draws} draws; "
                "give 1 or more of each."
            )


FULL = Sizes()
LIVE = Sizes(ranked=60, judged=500)
"""What takes LeNet5 two seconds twice: the rankings, and the accuracies of all levels."""

LIVE_MACS = 1_000_000
"""Multiply-accumulates of the largest network that is studied while somebody waits: twice those of LeNet5."""


def parts(test: Samples, sizes: Sizes) -> tuple[Split, Split]:
    """Return the test images that pixels are ranked on, and others to judge them on.

    Raises:
        SettingError: there are too few images for both.
    """
    if len(test) <= sizes.ranked:
        raise SettingError(
            f"Of {len(test)} test images rankings take {sizes.ranked}, so that none is left to judge by; give more."
        )
    last = len(test) if sizes.judged is None else sizes.ranked + sizes.judged
    places = torch.arange(min(len(test), last))
    ranked, judged = places[: sizes.ranked], places[sizes.ranked :]
    return test.take(ranked).in_memory(), test.take(judged).in_memory()


def orders(model: nn.Module, split: Split, report: Report = silent) -> Orders:
    """Rank the pixels by variance and by every attribution.

    Raises:
        SettingError: the package captum is not installed.
    """
    return {name: order_of(scores) for name, scores in rankings(model, split, report).items()}


def choices(levels: Sequence[Keep], known: Mapping[str, Sequence[int]], draws: int) -> Choices:
    """Return MIPP's pixels at every level, and as many at random and of every ranking.

    Args:
        levels: what MIPP keeps at each level.
        known: rankings, as ``orders`` returns them.
        draws: of random pixels; the same draw keeps the same pixels first at all levels.
    """
    counts, pixels = [int(keep.sum()) for keep in levels], len(levels[0])
    drawn = [torch.randperm(pixels, generator=torch.Generator().manual_seed(seed)).tolist() for seed in range(draws)]
    found = {MIPP: [list(levels)], RANDOM: [[top(order, count) for count in counts] for order in drawn]}
    return found | {name: [[top(order, count) for count in counts]] for name, order in known.items()}


def view_of(keep: Keep) -> View:
    """Return what shows a network these pixels only; the others are 0."""
    return KeepMasks({INPUT: keep}).blank_pixels


def blanked(model: nn.Module, judged: Samples, chosen: Choices, report: Report = silent) -> Accuracies:
    """Measure a network as it is on the chosen pixels only; equal choices are measured once.

    Args:
        model: the dense network.
        judged: the images.
        chosen: as ``choices`` returns it.
        report: called before every choice; may raise ``CancelledError``.
    """
    known: dict[bytes, float] = {}

    def measured(keep: Keep) -> float:
        name = keep.numpy().tobytes()
        if name not in known:
            known[name] = accuracy(model, judged, view=view_of(keep))
        return known[name]

    found: Accuracies = {}
    for place, (who, draws) in enumerate(chosen.items()):
        report(Progress(f"Blanking all but the pixels of {who}", place / len(chosen)))
        found[who] = [[measured(keep) for keep in levels] for levels in draws]
    return found


def trained_on(model: nn.Module, data: Samples, judged: Samples, keep: Keep, recipe: Recipe, seed: int) -> float:
    """Train a fresh network on these pixels only, in place, and measure it on them.

    Args:
        model: with fresh weights; trained afterwards.
        data: the training split.
        judged: the images that accuracy is measured on.
        keep: the pixels it is shown; the others are 0.
        recipe: how it is trained.
        seed: of the order of images.
    """
    train(model, data, recipe, seed=seed, view=view_of(keep))
    return accuracy(model, judged, view=view_of(keep))


def to_train(chosen: Choices, places: Sequence[int], seed: int) -> Iterator[tuple[str, int, Keep]]:
    """Yield whose, at which level, and which pixels a seed's networks are trained on; it has its own random draw."""
    for place in places:
        for who, draws in chosen.items():
            yield who, place, draws[seed % len(draws)][place]
