"""Datasets as words on the command line: names, and images of a user's own."""

import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from mipp_core.data import DATASETS, Options, is_own, names_images, own_images, shown, size_of
from mipp_core.data.own.naming import FOLDER
from mipp_core.data.own.options import Colour
from mipp_core.errors import SettingError


def datasets_of(chosen: Namespace) -> tuple[str, ...]:
    """Return the names of all datasets that ``--dataset`` lists."""
    return named_datasets(_apart(chosen.dataset), chosen)


def dataset_of(chosen: Namespace) -> str:
    """Return the name of the one dataset of a command.

    Raises:
        SettingError: there are several.
    """
    texts = _apart(chosen.dataset)
    if len(texts) > 1 and any(map(names_images, texts)):
        raise SettingError(f"This command takes one dataset, not {len(texts)}; sweep takes several.")
    return named_datasets([chosen.dataset] if len(texts) > 1 else texts, chosen)[0]


def named_datasets(texts: Sequence[str], chosen: Namespace) -> tuple[str, ...]:
    """Return datasets' names; images of a user's own are looked at, and what they are is said on stderr.

    Raises:
        SettingError: the flags for images of a user's own are given without such images.
        ImagesError: the images cannot be used as they are.
    """
    options = _options(chosen)
    if options != Options() and not any(map(names_images, texts)):
        raise SettingError(
            "--size, --crop, --grey, --rgb, --test-share and --split-seed are for images of your own; give --dataset "
            "folder:PATH or FILE.npz, or leave them out."
        )
    return tuple(_named(text, options) if names_images(text) else text for text in texts)


def _named(text: str, options: Options) -> str:
    images = own_images(text, options)
    for note in images.notes:
        print(f"{shown(images.card.name)}: {note}.", file=sys.stderr)
    return images.card.name


def _options(chosen: Namespace) -> Options:
    colour: Colour | None = "grey" if chosen.grey else "rgb" if chosen.rgb else None
    return Options(
        size=None if chosen.size is None else size_of(chosen.size),
        crop=chosen.crop != "none",
        colour=colour,
        test_share=chosen.test_share,
        split_seed=chosen.split_seed or 0,
    )


def _apart(text: str) -> list[str]:
    """Take a list with commas apart, but not a path that has commas of its own."""
    if names_images(text) and Path(text.removeprefix(FOLDER)).exists():
        return [text]
    found: list[str] = []
    for piece in text.split(","):
        if found and found[-1].startswith(FOLDER) and not _starts_a_name(piece):
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return found


def _starts_a_name(piece: str) -> bool:
    return piece in DATASETS or is_own(piece) or re.match(rf"{FOLDER}|.*\.npz$", piece, re.IGNORECASE) is not None
