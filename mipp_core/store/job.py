"""How a run is doing, as its row says."""

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row

from mipp_core.runs.document import SpecDocument

State = Literal["queued", "running", "done", "cancelled", "failed"]


@dataclass(frozen=True)
class Job:
    """How a run is doing.

    Attributes:
        hash: the run's name.
        spec: what was asked, as plain JSON.
        state: where it stands.
        stage: what is being done, in words.
        done: share of the whole run, in [0, 1].
        place: runs ahead of it; 0 when it goes on or is next.
        remaining: estimated seconds to go; None while it is too early to tell.
        message: why it stopped, for a person.
        notes: what a person should know, such as smaller batches.
        device: of the worker that has it; empty while nobody has.
        asked_at, ended_at: seconds since 1970.
        changed_at: when the document last changed; 0 while there is none.
    """

    hash: str
    spec: SpecDocument
    state: State
    stage: str
    done: float
    place: int
    remaining: float | None
    message: str
    notes: tuple[str, ...]
    device: str
    asked_at: float
    ended_at: float | None
    changed_at: float


def job_of(row: Row, places: dict[str, int]) -> Job:
    """Read a run's row; ``places`` are those of the runs that wait."""
    return Job(
        hash=row.hash,
        spec=row.spec,
        state=row.state,
        stage=row.stage,
        done=row.done,
        place=places.get(row.hash, 0),
        remaining=_remaining(row) if row.state == "running" else None,
        message=row.message,
        notes=tuple(row.notes),
        device=row.worker or "",
        asked_at=row.asked_at,
        ended_at=row.ended_at,
        changed_at=row.changed_at,
    )


def _remaining(row: Row) -> float | None:
    gained = row.done - row.resumed_from
    return (time.time() - row.started_at) * (1 - row.done) / gained if gained > 0.02 else None


def rank(job: Job) -> tuple[int, float]:
    """Return the sort key of runs: those that go on, those that wait in their order, then the rest, latest first."""
    if job.state == "running":
        return 0, job.asked_at
    return (1, float(job.place)) if job.state == "queued" else (2, -job.asked_at)
