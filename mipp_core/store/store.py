"""One place for results: a database for what is read, files for tensors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import platformdirs

from mipp_core.store import space
from mipp_core.store.database import Database
from mipp_core.store.files import VARIABLE, Blobs
from mipp_core.store.places import Places
from mipp_core.store.runs import Runs
from mipp_core.store.sketches import Sketches
from mipp_core.store.stages import Stages
from mipp_core.store.workers import Workers


@dataclass(frozen=True)
class Store:
    """A folder of results that any number of processes share.  It is made when something is first kept.

    Attributes:
        root: the folder.
    """

    root: Path

    @classmethod
    def at(cls, root: Path | None = None) -> "Store":
        """Open the folder given, else the one in ``MIPP_STORE``, else a per-user one."""
        return cls(root or Path(os.environ.get(VARIABLE) or platformdirs.user_data_path("mipp")))

    @cached_property
    def database(self) -> Database:
        """Specifications, states, metrics and decisions."""
        return Database(self.root / "store.sqlite")

    @cached_property
    def blobs(self) -> Blobs:
        """Tensors."""
        return Blobs(self.root / "tensors")

    @property
    def places(self) -> Places:
        """Where images of a user's own are."""
        return Places(self.root / "images")

    @property
    def runs(self) -> Runs:
        """The queue and the history."""
        return Runs(self.database)

    @property
    def sketches(self) -> Sketches:
        """What runs that go on have decided so far."""
        return Sketches(self.root / "sketches")

    @property
    def workers(self) -> Workers:
        """Signs of life."""
        return Workers(self.database)

    def stages(self, run: str, device: str = "", before: Callable[[], None] = lambda: None) -> Stages:
        """Return the stages of one run; see ``Stages``."""
        return Stages(self.database, self.blobs, run, device, before)

    def space(self) -> space.Space:
        """Measure what the store takes."""
        return space.used(self.database, self.blobs)

    def collect(self, budget: int | None = None) -> int:
        """Make room; see ``space.collect``.  Returns the bytes freed."""
        return space.collect(self.database, self.blobs, budget)
