"""Pixels of plain and of deformed digits, over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import DataError
from mipp_core.pixels.choosing import Keep
from mipp_core.reports.pixels import Repetition, read

Spread = tuple[float, float]
"""Mean and standard deviation over seeds."""


@dataclass(frozen=True)
class Side:
    """What the seeds of one strength of deformation say, level by level.

    Attributes:
        deformation: its strength, in [0, 1].
        seeds: how many.
        levels: their numbers.
        counts: pixels kept.
        accuracy: of the dense network with all others blanked, in [0, 1].
        dense: accuracy with all pixels, in [0, 1].
        shares: for every pixel the share of seeds that keep it.
        away: distance of the kept pixels from the image's middle, in pixels, on average; 0 where none is kept.
    """

    deformation: float
    seeds: int
    levels: list[int]
    counts: list[Spread]
    accuracy: list[Spread]
    dense: Spread
    shares: Float[Tensor, "levels pixels"]
    away: list[Spread]


def side(repetitions: Sequence[Repetition], deformation: float, columns: int = 28) -> Side:
    """Sum up the repetitions of one strength.

    Args:
        repetitions: as they ship; those of other strengths are left out.
        deformation: the strength.
        columns: of the image.

    Raises:
        DataError: there is none of this strength.
    """
    some = [each for each in repetitions if each["deformation"] == deformation]
    if not some:
        raise DataError(f"No pixels of digits with the deformation {deformation:g} ship; install the package again.")
    kept = torch.stack([torch.stack([read(text) for text in each["kept"]]) for each in some])
    return Side(
        deformation=deformation,
        seeds=len(some),
        levels=some[0]["levels"],
        counts=[_over(level) for level in kept.sum(2).T.double().tolist()],
        accuracy=[_over(level) for level in zip(*(each["blanked"] for each in some), strict=True)],
        dense=_over([each["dense"] for each in some]),
        shares=kept.double().mean(0),
        away=[_over([away(keep, columns) for keep in level]) for level in kept.transpose(0, 1)],
    )


def away(keep: Keep, columns: int) -> float:
    """Return how far kept pixels lie from the middle of an image of one channel, in pixels, on average; 0 if none."""
    places = keep.nonzero().flatten().double()
    if not len(places):
        return 0.0
    rows = len(keep) // columns
    down, across = (places / columns).floor() - (rows - 1) / 2, places % columns - (columns - 1) / 2
    return float((down**2 + across**2).sqrt().mean())


def _over(values: Sequence[float]) -> Spread:
    return fmean(values), pstdev(values)
