"""Stages of a run: what was computed once is not computed again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from mipp_core.errors import DataError
from mipp_core.runs.naming import digest
from mipp_core.runs.revisions import STAGES
from mipp_core.store import schema
from mipp_core.store.database import Database
from mipp_core.store.files import Blobs, Tensors


def _key(kind: str, depends_on: dict[str, Any]) -> str:
    return digest({"stage": kind, "revision": STAGES[kind], **depends_on})


@dataclass(frozen=True)
class Outcome:
    """What a stage gives.

    Attributes:
        value: metrics or decisions, plain JSON.
        tensors: weights, if any.
        seconds: that it took when it was computed.
        blob: content name of the tensors.
    """

    value: dict[str, Any]
    tensors: Tensors | None = None
    seconds: float = 0.0
    blob: str | None = None


@dataclass(frozen=True)
class Stages:
    """The stages of one run, each found in the store or computed and left there.

    Attributes:
        database, blobs: where they are kept.
        run: the run they are for; the store remembers which runs use a stage.
        device: in words, for the record.
        before: called before each stage that must be computed; may raise to stop there.
        seconds: computing time by kind of stage, of those asked for so far; a stage found counts what it once took.
    """

    database: Database
    blobs: Blobs
    run: str
    device: str = ""
    before: Callable[[], None] = lambda: None
    seconds: dict[str, float] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)

    def remember(
        self, kind: str, depends_on: dict[str, Any], make: Callable[[], Outcome], counted: bool = True
    ) -> Outcome:
        """Return a stage's outcome, from the store if it is there.

        Args:
            kind: the stage's name.
            depends_on: everything the outcome depends on, as specifications and plain values.
            make: computes it; killed half-way, it leaves nothing behind.
            counted: whether its time is the run's; that of another run's stage is not.
        """
        key = _key(kind, depends_on)
        found = self._find(key)
        if found is None:
            self.before()
            started = time.perf_counter()
            made = make()
            self._keep(key, kind, made, time.perf_counter() - started)
            found = self._find(key)
            if found is None:
                raise DataError(f"The stage {kind} of run {self.run} was lost while it was written; check the disk.")
        if counted:
            self._count(key, kind, found.seconds)
        return found

    def knows(self, kind: str, depends_on: dict[str, Any]) -> bool:
        """Tell whether a stage's outcome is in the store, its weights included; reads none of them."""
        row = self._row(_key(kind, depends_on))
        return row is not None and (row.blob is None or self.blobs.path(row.blob).exists())

    def _count(self, key: str, kind: str, seconds: float) -> None:
        if key not in self._counted:
            self._counted.add(key)
            self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds

    def _row(self, key: str) -> Row[Any] | None:
        with self.database.reading() as connection:
            return connection.execute(select(schema.stages).where(schema.stages.c.key == key)).one_or_none()

    def _find(self, key: str) -> Outcome | None:
        row = self._row(key)
        if row is None:
            return None
        tensors = self.blobs.get(row.blob) if row.blob else None
        if row.blob and tensors is None:
            return None
        self._use(key)
        return Outcome(row.value, tensors, row.seconds, row.blob)

    def _use(self, key: str) -> None:
        with self.database.writing() as connection:
            connection.execute(update(schema.stages).where(schema.stages.c.key == key).values(used_at=time.time()))
            connection.execute(upsert(schema.uses).values(run=self.run, stage=key).on_conflict_do_nothing())

    def _keep(self, key: str, kind: str, made: Outcome, seconds: float) -> None:
        now = time.time()
        blob = self.blobs.put(made.tensors) if made.tensors is not None else None
        row = {
            "key": key,
            "kind": kind,
            "value": made.value,
            "blob": blob,
            "seconds": round(seconds, 3),
            "device": self.device,
            "made_at": now,
            "used_at": now,
            "times": 1,
        }
        with self.database.writing() as connection:
            known = connection.execute(
                select(schema.stages.c.times).where(schema.stages.c.key == key)
            ).scalar_one_or_none()
            if known is None:
                connection.execute(insert(schema.stages).values(**row))
            else:  # computed by two at once, or its file was lost: both results are the same, so the latest stays
                again = {**row, "times": known + 1}
                connection.execute(update(schema.stages).where(schema.stages.c.key == key).values(**again))
