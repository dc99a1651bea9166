"""A ``.npz`` file of images and labels as a dataset: in memory if it is small, mapped if it is large."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from mipp_core.data.card import MappedSplit, RawSplit, Stored
from mipp_core.data.download import reason
from mipp_core.data.drawing import stratified_index
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.own.files import printable, shown_name
from mipp_core.data.own.labels import indices, read_labels
from mipp_core.data.own.layout import lopsided
from mipp_core.data.own.levels import Layout, Levels, layout_of, size_in, white_of
from mipp_core.data.own.naming import ARRAYS, Name, digest_of, prints_of
from mipp_core.data.own.npz import Array, Member, members
from mipp_core.data.own.options import Options
from mipp_core.data.own.pairing import Pair, Pairs, pairs_of
from mipp_core.data.own.pictures import Frame
from mipp_core.data.own.sources import IN_MEMORY, Found, changed
from mipp_core.data.own.splitting import shuffled, split
from mipp_core.data.own.survey import normalisation_from, statistics
from mipp_core.errors import ImagesError, SettingError
from mipp_core.vocabulary import Progress, Report

_UNPACKED = 2 * IN_MEMORY
"""Most bytes that are unpacked of one array."""

_AT_ONCE = 1024
_MEASURED = 10_000
"""Most training images that means and standard deviations are measured on."""


@dataclass(frozen=True)
class _Half:
    """Rows of one array, and their classes."""

    array: Array
    rows: Int[Tensor, " n"]
    labels: Int[Tensor, " n"]

    def take(self, places: Int[Tensor, " k"]) -> "_Half":
        return _Half(self.array, self.rows[places], self.labels[places])


@dataclass(frozen=True)
class _Read:
    """All that a file says, its images not turned yet."""

    pairs: Pairs
    classes: tuple[str, ...]
    train: _Half
    test: _Half
    levels: Levels


def look(path: Path, options: Options, within: Path | None = None) -> Found:
    """Look at a file of images and labels.

    Args:
        path: of the file.
        options: what was asked.
        within: a folder that the file must be in, links followed; None for none.

    Raises:
        ImagesError: the file is missing or damaged, or its arrays cannot be used as they are.
        SettingError: a share to test on was given, and there are images to test on.
    """
    try:
        file = path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as problem:
        raise ImagesError(f"The file {path} cannot be read ({reason(problem)}); give a .npz file.") from problem
    if within is not None and not file.is_relative_to(within):
        raise ImagesError(f"The file {path} is not in {within}; put the file itself there.")
    read = _read(file, options)
    normalisation, of = _statistics(read)
    frame, sizes = read.levels.frame, (len(read.train.rows), len(read.test.rows))
    name = Name(ARRAYS, shown_name(file), _digest(file, read, options), frame.image_shape, len(read.classes), *sizes)
    counts = f"{len(read.classes)} classes, {sizes[0]:,} + {sizes[1]:,} images ({_split_words(read.pairs, options)})"
    colour = "grey" if frame.channels == 1 else "RGB"
    shape = f"{frame.height}×{frame.width}, {colour}, read as {read.levels.layout} with white at {read.levels.white}"
    notes = [f"{counts}; {shape}; {statistics(normalisation)} of {of}"]
    notes += [f"left out: {', '.join(read.pairs.unread)}"] if read.pairs.unread else []
    notes += lopsided(read.classes, read.train.labels.bincount().tolist())
    load = partial(_load, file, options, name)
    return Found(name, read.classes, normalisation, load, tuple(notes))


def _read(file: Path, options: Options) -> _Read:
    pairs = pairs_of(file, members(file))
    if pairs.test is not None and options.test_share is not None:
        raise SettingError(f"{file} has images to test on, {pairs.test.images.name}; leave the test share out.")
    both = [pair for pair in (pairs.train, pairs.test) if pair is not None]
    layout, size = _alike(file, both)
    arrays = [_array(pair.images) for pair in both]
    found = [read_labels(pair.labels, len(array)) for pair, array in zip(both, arrays, strict=True)]
    names = numpy.unique(found[0])
    labels = [indices(each, names, pair.labels) for each, pair in zip(found, both, strict=True)]
    classes = tuple(printable(str(name)) for name in names)
    _check_counts(file, classes, both, labels)
    levels = Levels(
        layout, white_of(list(zip([pair.images for pair in both], arrays, strict=True))), _frame(size, options)
    )
    halves = [_Half(array, torch.arange(len(each)), each) for array, each in zip(arrays, labels, strict=True)]
    if pairs.test is None:
        halves = [halves[0].take(places) for places in split(labels[0], options.share, options.split_seed)]
    return _Read(pairs, classes, halves[0], halves[1], levels)


def _alike(file: Path, both: list[Pair]) -> tuple[Layout, tuple[int, int, int]]:
    """Return the layout of all images, and their channels, height and width."""
    found = {(layout_of(pair.images), size_in(pair.images, layout_of(pair.images))) for pair in both}
    if len(found) > 1:
        raise ImagesError(
            f"{file}: the images of {both[0].images} and {both[1].images} are of different shapes; save them alike."
        )
    return found.pop()


def _check_counts(file: Path, classes: tuple[str, ...], both: list[Pair], labels: list[Tensor]) -> None:
    """Refuse a single class, a class of one image, and one that is not tested on."""
    name = both[0].labels.name
    if len(classes) < 2:
        raise ImagesError(f"{file} has one class only, {classes[0]}, in {name}; at least two are needed.")
    few = (labels[0].bincount() < 2).nonzero()
    if len(few):
        raise ImagesError(
            f"{file} has 1 image of the class {classes[int(few[0])]} in {name}; at least 2 of each class are needed: "
            "add some, or leave it out (labels that are measured, not classes, cannot be used)."
        )
    if len(both) > 1 and (lacks := set(range(len(classes))) - set(labels[1].tolist())):
        raise ImagesError(
            f"{file} has the class {classes[min(lacks)]} in {name} but not in {both[1].labels.name}; both need the "
            "same classes."
        )


def _array(member: Member) -> Array:
    """Return an array mapped, or read if it is compressed and not too large."""
    if member.is_plain or member.bytes > _UNPACKED:
        return member.mapped()
    return member.read(_UNPACKED)


def _frame(size: tuple[int, int, int], options: Options) -> Frame:
    channels, height, width = size
    chosen = {None: channels, "grey": 1, "rgb": 3}[options.colour]
    return Frame(*(options.size or (height, width)), chosen, options.crop)


def _split_words(pairs: Pairs, options: Options) -> str:
    if pairs.test is not None:
        return f"{pairs.train.images.name} and {pairs.test.images.name}"
    return f"{options.share:.0%} of each class to test on, by seed {options.split_seed}"


def _digest(file: Path, read: _Read, options: Options) -> str:
    about, frame = file.stat(), read.levels.frame
    by_seed = None if read.pairs.test is not None else [options.share, options.split_seed]
    shape = [frame.height, frame.width, frame.channels, frame.crop]
    prints = prints_of([(file, "", about.st_size, about.st_mtime_ns)])
    return digest_of({"shown": shape, "by seed": by_seed}, prints)


def _statistics(read: _Read) -> tuple[Normalisation, str]:
    """Measure means and standard deviations on the training images, or on a draw with a fixed seed."""
    half, count = read.train, len(read.train.rows)
    if count > _MEASURED:
        half = half.take(stratified_index(half.labels, _MEASURED, torch.Generator().manual_seed(0)).sort().values)
    sums = [(pixels.sum((0, 2, 3)), pixels.square().sum((0, 2, 3))) for pixels in map(_pixels, _turned(half, read))]
    _, height, width = read.levels.frame.image_shape
    among = len(half.rows) * height * width
    means, squares = (torch.stack(parts).sum(0) / among for parts in zip(*sums, strict=True))
    of = "the training images" if len(half.rows) == count else f"{_MEASURED:,} drawn training images"
    return normalisation_from(means.tolist(), squares.tolist()), of


def _pixels(images: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    return images.double() / 255


def _turned(half: _Half, read: _Read) -> Iterator[UInt8[Tensor, "n c h w"]]:
    """Yield the images of some rows, some at a time."""
    for rows in half.rows.split(_AT_ONCE):
        yield read.levels.of(half.array[rows.numpy()])


def _load(file: Path, options: Options, name: Name, data_dir: Path | None, report: Report) -> tuple[Stored, Stored]:
    """Read the images, or map them if they are too many for memory; refuse them if they were changed."""
    read = _read(file, options)
    if _digest(file, read, options) != name.digest:
        raise changed(name)
    report(Progress(f"reading {name.words}", 0.0))
    if 4 * prod(name.image_shape) * (name.train_size + name.test_size) > IN_MEMORY:
        return _mapped(read.train, read), _mapped(read.test, read)
    return _in_memory(read.train, read), _in_memory(read.test, read)


def _mapped(half: _Half, read: _Read) -> MappedSplit:
    return MappedSplit(half.array, read.levels, half.rows, half.labels)


def _in_memory(half: _Half, read: _Read) -> RawSplit:
    mixed = half.take(shuffled(torch.arange(len(half.rows))))
    return RawSplit(torch.cat(list(_turned(mixed, read))), mixed.labels)
