"""Looks at pictures before they are used: their sizes, whether they are grey, and their statistics.

All pictures are looked at where there are few; where there are many, a draw with a fixed seed.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy
import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from mipp_core.data.download import reason
from mipp_core.data.drawing import stratified_index
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.own.files import ImageFile
from mipp_core.data.own.options import Options
from mipp_core.data.own.pictures import Frame, decoded, is_grey, size_on_screen
from mipp_core.errors import ImagesError

DECODED = 1000
"""Most pictures that are decoded."""

HEADS = 20_000
"""Most pictures whose sizes are read."""

KEPT_SIDE = 256
"""Pictures that all have one size keep it if no side is longer, in pixels."""

USUAL_SIDE = 64
"""Side in pixels that other pictures are resized to."""

_RED_GREEN_BLUE_GREY = 4
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Survey:
    """What pictures were found to be.

    Attributes:
        frame: what is shown of each.
        normalisation: mean and standard deviation of each channel of the training pictures, four decimals.
        words: the same for people.
    """

    frame: Frame
    normalisation: Normalisation
    words: str


def survey(
    train: Sequence[ImageFile], labels: Int[Tensor, " n"], test: Sequence[ImageFile], options: Options
) -> Survey:
    """Look at pictures; see the module.

    Args:
        train: the files to train on.
        labels: their classes.
        test: the files to test on.
        options: what was asked.

    Raises:
        ImagesError: some of the pictures that were looked at cannot be read.
    """
    every = [*train, *test]
    drawn = _drawn(train, labels, DECODED)
    sizes = set(looked_at(every if len(every) <= HEADS else drawn, lambda file: size_on_screen(file.path)))
    (height, width), what = _size(sizes, options)
    frame = Frame(height, width, 3, options.crop)
    found = looked_at(drawn, lambda file: _sums(file, frame))
    if len(every) <= DECODED:
        looked_at(test, lambda file: decoded(file.path))
    grey = options.colour == "grey" or (options.colour is None and all(each.is_grey for each in found))
    chosen = replace(frame, channels=1 if grey else 3)
    normalisation = _normalisation(found, grey)
    colour = ("grey" if grey else "RGB") + ("" if options.colour else ", as the pictures are")
    of = "the training pictures" if len(drawn) == len(train) else f"{len(drawn):,} drawn training pictures"
    return Survey(chosen, normalisation, f"{what}; {colour}; {statistics(normalisation)} of {of}")


def looked_at(files: Sequence[ImageFile], look: Callable[[ImageFile], Answer]) -> list[Answer]:
    """Return what a function says of every file, several at a time.

    Raises:
        ImagesError: it fails for some; how many, and the first of them.
    """

    def one(file: ImageFile) -> Answer | Exception:
        try:
            return look(file)
        except Exception as problem:  # a damaged file can raise almost any exception in Pillow
            return problem

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # such pictures are refused with an error
        found = list(pool.map(one, files))
    faults = [(file, each) for file, each in zip(files, found, strict=True) if isinstance(each, Exception)]
    if faults:
        raise unreadable(faults, len(files))
    return [each for each in found if not isinstance(each, Exception)]


def unreadable(faults: Sequence[tuple[ImageFile, Exception]], among: int) -> ImagesError:
    """Return the error that says how many pictures cannot be read, and why the first cannot."""
    file, problem = faults[0]
    these = "1 picture" if len(faults) == 1 else f"{len(faults):,} pictures"
    return ImagesError(
        f"Of {among:,} pictures that were looked at, {these} cannot be read: {file.path} ({reason(problem)}); put an "
        "intact copy there, or remove it."
    )


def statistics(normalisation: Normalisation) -> str:
    """Say means and standard deviations in words."""
    means, stds = ("/".join(f"{value:.4f}" for value in values) for values in (normalisation.mean, normalisation.std))
    return f"mean {means} and standard deviation {stds}"


def normalisation_from(means: Sequence[float], squares: Sequence[float]) -> Normalisation:
    """Return the normalisation that follows from the means of pixels in [0, 1] and of their squares.

    A channel that is the same everywhere is divided by 1.
    """
    spread = [max(square - mean * mean, 0.0) ** 0.5 for mean, square in zip(means, squares, strict=True)]
    rounded = tuple(round(mean, 4) for mean in means)
    return Normalisation(rounded, tuple(round(std, 4) if round(std, 4) > 0 else 1.0 for std in spread))


@dataclass(frozen=True)
class _Sums:
    """Of one picture: whether it is grey, and the means of red, green, blue and grey, and of their squares."""

    is_grey: bool
    means: tuple[float, ...]
    squares: tuple[float, ...]


def _sums(file: ImageFile, frame: Frame) -> _Sums:
    picture = decoded(file.path)
    colours = numpy.asarray(frame.middle(picture.convert("RGB")), dtype=numpy.float64) / 255
    greys = numpy.asarray(frame.middle(picture.convert("L")), dtype=numpy.float64) / 255
    levels = numpy.concatenate([colours, greys[..., None]], axis=2).reshape(-1, _RED_GREEN_BLUE_GREY)
    return _Sums(is_grey(picture), tuple(levels.mean(0).tolist()), tuple((levels**2).mean(0).tolist()))


def _normalisation(found: Sequence[_Sums], grey: bool) -> Normalisation:
    channels = slice(3, 4) if grey else slice(0, 3)
    means = torch.tensor([each.means[channels] for each in found], dtype=torch.float64).mean(0)
    squares = torch.tensor([each.squares[channels] for each in found], dtype=torch.float64).mean(0)
    return normalisation_from(means.tolist(), squares.tolist())


def _drawn(files: Sequence[ImageFile], labels: Int[Tensor, " n"], count: int) -> list[ImageFile]:
    if len(files) <= count:
        return list(files)
    places = stratified_index(labels, count, torch.Generator().manual_seed(0))
    return [files[place] for place in sorted(places.tolist())]


def _size(sizes: set[tuple[int, int]], options: Options) -> tuple[tuple[int, int], str]:
    """Return height and width of the frame, and the same in words."""
    how = "cropped in the middle" if options.crop else "stretched"
    if options.size is not None:
        height, width = options.size
    elif len(sizes) == 1 and max(next(iter(sizes))) <= KEPT_SIDE:
        height, width = next(iter(sizes))
    else:
        height = width = USUAL_SIDE
    if sizes == {(height, width)}:
        return (height, width), f"{height}×{width} as they are"
    highs, wides = (f"{min(sides)} to {max(sides)}" for sides in zip(*sizes, strict=True))
    were = f"{highs} high and {wides} wide" if len(sizes) > 1 else "of {}×{}".format(*next(iter(sizes)))
    return (height, width), f"pictures {were}, resized to {height}×{width} and {how}"
