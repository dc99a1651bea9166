"""How much room the store takes, and how to make some."""

from dataclasses import dataclass

from sqlalchemy import delete, select

from mipp_core.store import schema
from mipp_core.store.database import Database
from mipp_core.store.files import Blobs

_FRESH = 3600.0
"""Seconds for which a file that no stage names may still be waiting for its stage to be written down."""


@dataclass(frozen=True)
class Space:
    """Bytes on the disk.

    Attributes:
        database: specifications, states, metrics and decisions.
        tensors: weights.
    """

    database: int
    tensors: int

    @property
    def total(self) -> int:
        """Return all of it."""
        return self.database + self.tensors


def used(database: Database, blobs: Blobs) -> Space:
    """Measure the store."""
    files = database.path.parent.glob(f"{database.path.name}*")
    return Space(sum(path.stat().st_size for path in files), sum(blobs.sizes().values()))


def collect(database: Database, blobs: Blobs, budget: int | None = None) -> int:
    """Delete what no run uses; then, over budget, the least recently used weights.

    Runs that wait or go on keep all they have, and every run keeps its figures and decisions: a run whose weights
    are gone computes them again when it is asked for again.

    Args:
        database, blobs: the store's.
        budget: bytes of weights that may stay; None for no limit.

    Returns:
        Bytes of weights freed.
    """
    before = sum(blobs.sizes().values())
    with database.writing() as connection:
        connection.execute(delete(schema.stages).where(schema.stages.c.key.not_in(select(schema.uses.c.stage))))
        busy = select(schema.runs.c.hash).where(schema.runs.c.state.in_(("queued", "running")))
        pinned = set(connection.execute(select(schema.uses.c.stage).where(schema.uses.c.run.in_(busy))).scalars().all())
        rows = connection.execute(
            select(schema.stages.c.key, schema.stages.c.blob)
            .where(schema.stages.c.blob.is_not(None))
            .order_by(schema.stages.c.used_at)
        ).all()
        sizes, kept = blobs.sizes(), {row.blob for row in rows}
        known = frozenset(kept)
        stay = {row.blob for row in rows if row.key in pinned}
        size = sum(sizes.get(blob, 0) for blob in kept)
        for row in rows:
            if budget is None or size <= budget:
                break
            if row.blob in kept - stay:
                kept.remove(row.blob)
                size -= sizes.get(row.blob, 0)
        gone = [row.key for row in rows if row.blob not in kept]
        connection.execute(delete(schema.stages).where(schema.stages.c.key.in_(gone)))
        for blob in sizes.keys() - kept:
            if blob in known or blobs.age(blob) > _FRESH:
                blobs.delete(blob)
    return before - sum(blobs.sizes().values())
