"""A folder of pictures as a dataset: in memory if it is small, streamed from its files if it is large."""

from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy
import torch
from jaxtyping import Int
from torch import Tensor

from mipp_core.data.card import ListedSplit, RawSplit, Stored
from mipp_core.data.own.files import ImageFile, Part, Walk, shown_name
from mipp_core.data.own.layout import Layout, layout_of
from mipp_core.data.own.naming import FOLDER, Name, digest_of, prints_of
from mipp_core.data.own.options import Options
from mipp_core.data.own.pictures import Frame
from mipp_core.data.own.sources import IN_MEMORY, Found, changed
from mipp_core.data.own.splitting import shuffled, split
from mipp_core.data.own.survey import looked_at, survey
from mipp_core.errors import ImagesError, SettingError
from mipp_core.vocabulary import Progress, Report

_AT_ONCE = 256


@dataclass(frozen=True)
class _Half:
    files: tuple[ImageFile, ...]
    labels: Int[Tensor, " n"]

    def take(self, places: Int[Tensor, " k"]) -> "_Half":
        return _Half(tuple(self.files[place] for place in places.tolist()), self.labels[places])


def look(root: Path, options: Options, within: Path | None = None) -> Found:
    """Look at a folder of pictures.

    Args:
        root: the folder.
        options: what was asked.
        within: a folder that links must not lead out of; None where they may.

    Raises:
        ImagesError: the folder is missing or is none, or its images cannot be used as they are.
        SettingError: a share to test on was given, and there is a test part.
    """
    walk = Walk(_folder(root), within)
    layout = layout_of(walk)
    if layout.test is not None and options.test_share is not None:
        raise SettingError(f"{root} has its own part to test on, {layout.test.folder}; leave the test share out.")
    train, test = _halves(layout, options)
    found = survey(train.files, train.labels, test.files, options)
    prints = _prints(train, test)
    digest = _digest(prints, found.frame, options, layout)
    classes = layout.train.classes
    shape = found.frame.image_shape
    name = Name(FOLDER, shown_name(walk.root), digest, shape, len(classes), len(train.files), len(test.files))
    how = _split_words(layout, options)
    counts = f"{len(classes)} classes, {len(train.files):,} + {len(test.files):,} images ({how})"
    notes = (f"{counts}; {found.words}", *layout.notes, *_twins(train, test, prints))
    load = partial(_load, walk, options, found.frame, name)
    return Found(name, classes, found.normalisation, load, notes)


def _folder(root: Path) -> Path:
    try:
        there = root.expanduser().resolve()
        if there.is_dir():
            return there
        fault = "is not a folder" if there.exists() else "does not exist"
    except (OSError, RuntimeError, ValueError):  # a name too long, a forbidden character, or a link to itself
        fault = "cannot be read"
    raise ImagesError(f"The folder {root} {fault}; give one with a folder of pictures for each class.")


def _halves(layout: Layout, options: Options) -> tuple[_Half, _Half]:
    train = _half(layout.train)
    if layout.test is not None:
        return train, _half(layout.test)
    to_train, to_test = split(train.labels, options.share, options.split_seed)
    return train.take(to_train), train.take(to_test)


def _half(part: Part) -> _Half:
    counts = torch.tensor([len(files) for files in part.files])
    files = tuple(file for files in part.files for file in files)
    return _Half(files, torch.arange(len(counts)).repeat_interleave(counts))


def _split_words(layout: Layout, options: Options) -> str:
    if layout.test is not None:
        return f"{shown_name(layout.train.folder)} and {shown_name(layout.test.folder)}"
    return f"{options.share:.0%} of each class to test on, by seed {options.split_seed}"


def _prints(train: _Half, test: _Half) -> dict[str, str]:
    every = (*train.files, *test.files)
    return prints_of((Path(file.path), file.name, file.size, file.changed) for file in every)


def _digest(prints: dict[str, str], frame: Frame, options: Options, layout: Layout) -> str:
    by_seed = None if layout.test is not None else [options.share, options.split_seed]
    parts = [str(part.folder.name) for part in (layout.train, layout.test) if part is not None]
    shape = [frame.height, frame.width, frame.channels, frame.crop]
    return digest_of({"shown": shape, "by seed": by_seed, "parts": parts if layout.test else []}, prints)


def _twins(train: _Half, test: _Half, prints: dict[str, str]) -> list[str]:
    """Say how many pictures are in both halves, byte for byte; nothing where that was not looked at."""
    known = {prints[file.name] for file in train.files}
    twins = [file.name for file in test.files if prints[file.name] in known and " " not in prints[file.name]]
    if not twins:
        return []
    return [f"{len(twins):,} of the test images are training images too, byte for byte, such as {twins[0]}"]


def _load(
    walk: Walk, options: Options, frame: Frame, name: Name, data_dir: Path | None, report: Report
) -> tuple[Stored, Stored]:
    """Read the pictures, or list them if they are too many for memory; refuse them if they were changed."""
    layout = layout_of(walk)
    train, test = _halves(layout, options)
    if _digest(_prints(train, test), frame, options, layout) != name.digest:
        raise changed(name)
    halves = [(train, shuffled(torch.arange(len(train.files)))), (test, shuffled(torch.arange(len(test.files))))]
    if 4 * prod(frame.image_shape) * (name.train_size + name.test_size) > IN_MEMORY:
        return _listed(train, frame), _listed(test, frame)
    first, second = (_read(half.take(order), frame, name, report) for half, order in halves)
    return first, second


def _listed(half: _Half, frame: Frame) -> ListedSplit:
    return ListedSplit(tuple(file.path for file in half.files), half.labels, frame)


def _read(half: _Half, frame: Frame, name: Name, report: Report) -> RawSplit:
    images = torch.empty(len(half.files), *frame.image_shape, dtype=torch.uint8)
    for start in range(0, len(half.files), _AT_ONCE):
        report(Progress(f"reading {name.words}", start / len(half.files)))
        some = half.files[start : start + _AT_ONCE]
        read = looked_at(some, lambda file: _levels(frame, file))
        images[start : start + len(some)] = torch.stack(read)
    return RawSplit(images, half.labels)


def _levels(frame: Frame, file: ImageFile) -> Tensor:
    levels = numpy.array(frame.middle(frame.opened(file.path)))
    return torch.from_numpy(levels.reshape(frame.height, frame.width, frame.channels)).permute(2, 0, 1)
