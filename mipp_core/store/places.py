"""Where images of a user's own are on this machine: for workers, which did not look at them themselves.

A run holds such a dataset's name, which says what the images are.  Their place is kept beside the runs, and is never
exported with them.
"""

import hashlib
from pathlib import Path

from mipp_core.data.own.known import named_again, named_images
from mipp_core.data.own.naming import is_own
from mipp_core.store.files import read_json, write_json


class Places:
    """The places that one store knows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, dataset: str) -> None:
        """Keep where a dataset is, if it is of a user's own and was named in this process.

        Raises:
            DataError: the store cannot be written.
        """
        images = named_images(dataset)
        if images is not None and read_json(self._path(dataset)) != images.place():
            write_json(self._path(dataset), images.place())

    def find(self, dataset: str) -> None:
        """Look at a dataset of a user's own again, if this process has not, and its place is kept.

        Raises:
            ImagesError: the images are gone, or were changed since.
        """
        if not is_own(dataset) or named_images(dataset) is not None:
            return
        place = read_json(self._path(dataset))
        if place is not None:
            named_again(dataset, place)

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{hashlib.sha256(dataset.encode()).hexdigest()[:32]}.json"
