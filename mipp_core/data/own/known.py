"""Datasets of a user's own that were named in this process.

A run's specification holds such a dataset's name, which says what the images are; where they are is known only to the
process that looked at them, and to the store that it keeps runs in.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mipp_core.data.card import DatasetCard, Stored
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.own import from_arrays, from_folder
from mipp_core.data.own.naming import FOLDER, is_own, read_name, shown
from mipp_core.data.own.options import Options
from mipp_core.data.own.sources import card_for
from mipp_core.errors import ImagesError

SUFFIX = ".npz"


@dataclass(frozen=True)
class OwnImages:
    """Images of a user's own that were looked at.

    Attributes:
        card: what is known about them; ``card.name`` goes into a run's specification.
        path: where they are.
        options: how they are shown and split.
        notes: what a person should know, each one line.
    """

    card: DatasetCard
    path: Path
    options: Options
    notes: tuple[str, ...]

    def place(self) -> dict[str, Any]:
        """Return where they are as plain JSON; ``named_again`` reads it back."""
        return {"path": str(self.path), "options": asdict(self.options)}


_NAMED: dict[str, OwnImages] = {}


def names_images(text: str) -> bool:
    """Tell whether a person's words are ``folder:PATH`` or ``FILE.npz``."""
    return not is_own(text) and (text.startswith(FOLDER) or text.lower().endswith(SUFFIX))


def own_images(text: str, options: Options | None = None, within: Path | None = None) -> OwnImages:
    """Look at ``folder:PATH`` or ``FILE.npz`` and name what is there, for this process.

    Args:
        text: folder:PATH or FILE.npz.
        options: how the images are shown and split; None for the usual way.
        within: a folder that nothing may be outside of, links followed; None for none.

    Raises:
        ImagesError: there are no images, or they cannot be used as they are.
        SettingError: an option does not fit them.
    """
    asked = options or Options()
    path = Path(text.removeprefix(FOLDER))
    if not str(text.removeprefix(FOLDER)):
        raise ImagesError("The dataset folder: has no path; write it as folder:PATH.")
    looks = from_folder.look if text.startswith(FOLDER) else from_arrays.look
    bounds = within.resolve() if within is not None else None
    if bounds is not None and not path.resolve().is_relative_to(bounds):
        raise ImagesError(f"{path} is not in {within}; put the images there.")
    found = looks(path, asked, bounds)
    images = OwnImages(found.card, path.expanduser().resolve(), asked, found.notes)
    _NAMED[images.card.name] = images
    return images


def named_again(name: str, place: Mapping[str, Any]) -> None:
    """Look again at images that another process named.

    Args:
        name: of the dataset.
        place: what ``OwnImages.place`` returned there.

    Raises:
        ImagesError: they are gone, or were changed since.
    """
    size = place["options"]["size"]
    options = Options(**{**place["options"], "size": tuple(size) if size else None})
    found = own_images((FOLDER if name.startswith(FOLDER) else "") + place["path"], options)
    if found.card.name != name:
        raise ImagesError(
            f"The images {shown(name)} in {found.path} have been changed since this run was asked for; ask for it "
            "again, which gives it another name."
        )


def named_images(name: str) -> OwnImages | None:
    """Return images that were named in this process; None if they were not."""
    return _NAMED.get(name)


def flags_of(name: str) -> list[str]:
    """Return the command line's words for images of a user's own; of their path only the last part is said.

    Where they were not looked at in this process, how they were cropped and split is not known, and not said.
    """
    found = read_name(name)
    if found is None:
        return ["--dataset", name]
    channels, height, width = found.image_shape
    words = ["--dataset", found.words, "--size", f"{height}x{width}", "--grey" if channels == 1 else "--rgb"]
    options = _NAMED[name].options if name in _NAMED else Options()
    words += [] if options.crop else ["--crop", "none"]
    words += [] if options.test_share is None else ["--test-share", repr(options.test_share)]
    return words + (["--split-seed", str(options.split_seed)] if options.split_seed else [])


def own_card(name: str) -> DatasetCard | None:
    """Return the card of images of a user's own by their name; None if it is no such name.

    Where the images were not looked at in this process, classes have numbers for names, and loading is refused.
    """
    if name in _NAMED:
        return _NAMED[name].card
    found = read_name(name)
    if found is None:
        return None
    channels = found.image_shape[0]
    unknown = Normalisation((0.0,) * channels, (1.0,) * channels)
    return card_for(found, tuple(map(str, range(found.classes))), unknown, lambda *_: _missing(name))


def _missing(name: str) -> tuple[Stored, Stored]:
    raise ImagesError(
        f"Where the images {shown(name)} are is not known here; name them again, as --dataset folder:PATH or FILE.npz."
    )
