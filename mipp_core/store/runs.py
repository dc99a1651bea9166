"""Runs as rows: asked for, waiting, going on, ended; and their documents."""

import json
import time
import zlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, delete, func, insert, or_, select, update

from mipp_core.errors import SettingError
from mipp_core.runs.document import RunDocument
from mipp_core.runs.spec import RunSpec
from mipp_core.store import schema
from mipp_core.store.database import Database
from mipp_core.store.job import Job, State, job_of, rank

INTERACTIVE, BATCH = 0, 1
"""Lanes of the queue: for a person who waits at a page, and for sweeps."""

A_USER_MAY_WAIT_FOR = 4
"""Runs that one user may have waiting or going on, in the interactive lane."""

MOST_ATTEMPTS = 5
"""Workers that may die over one stage of a run before the run counts as failed."""

_table = schema.runs
_open = _table.c.state.in_(("queued", "running"))
_listed = [column for column in _table.c if column.name != "document"]


@dataclass(frozen=True)
class Ticket:
    """What a worker needs to know to do a run."""

    hash: str
    spec: RunSpec
    data_dir: str | None
    done: float = 0.0


class Runs:
    """The queue and the history of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self, spec: RunSpec, *, owner: str = "", lane: int = BATCH, device: str = "", data_dir: str | None = None
    ) -> None:
        """Queue a run; one that waits, goes on or is done is left alone, except that a lower lane moves it up.

        Raises:
            SettingError: the user has as many interactive runs open as are allowed.
        """
        asked = {"lane": lane, "owner": owner, "device": device, "data_dir": data_dir}
        with self._database.writing() as connection:
            known = _row(connection, spec.hash)
            if known is not None and known.state in ("queued", "running"):
                connection.execute(self._of(spec.hash).values(lane=min(known.lane, lane)))
            elif known is None or known.state != "done":
                _within_limit(connection, owner, lane)
                _queue(connection, spec.hash, spec, asked, known is not None)

    def claim(self, device: str) -> Ticket | None:
        """Give the next run to the worker of a device; None if nothing waits for it."""
        waiting = _line().where(or_(_table.c.device == "", _table.c.device == device)).limit(1)
        with self._database.writing() as connection:
            row = connection.execute(waiting).one_or_none()
            if row is None:
                return None
            taken = {"state": "running", "worker": device, "started_at": time.time(), "resumed_from": row.done}
            connection.execute(self._of(row.hash).values(stage="Starting", message="", cancel=False, **taken))
        return Ticket(row.hash, RunSpec.from_json(row.spec), row.data_dir, row.done)

    def urgent(self, hash_: str) -> bool:
        """Tell whether a run of the batch lane keeps an interactive one waiting."""
        mine = select(_table.c.worker, _table.c.lane).where(_table.c.hash == hash_)
        with self._database.reading() as connection:
            row = connection.execute(mine).one_or_none()
            if row is None or row.lane == INTERACTIVE:
                return False
            ahead = _line().where(
                _table.c.lane == INTERACTIVE, or_(_table.c.device == "", _table.c.device == row.worker)
            )
            return connection.execute(ahead.limit(1)).one_or_none() is not None

    def give_back(self, hash_: str) -> None:
        """Return a run to its place in the queue."""
        self._change(hash_, state="queued", worker=None, stage="Waiting")

    def release(self, device: str) -> list[str]:
        """Return runs whose worker died to their places; one that keeps killing its workers has failed.

        Only a device's present worker may call this: then any other worker of the device is dead.
        """
        lost = select(_table.c.hash, _table.c.attempts, _table.c.stage, _table.c.cancel).where(
            _table.c.state == "running", _table.c.worker == device
        )
        with self._database.writing() as connection:
            rows = connection.execute(lost).all()
            for row in rows:
                connection.execute(self._of(row.hash).values(**_after_death(row)))
        return [row.hash for row in rows]

    def tell(self, hash_: str, stage: str, done: float) -> None:
        """Record progress of a run that goes on."""
        self._change(hash_, stage=stage, done=done)

    def note(self, hash_: str, words: str) -> None:
        """Add something a person should know; the same words once."""
        with self._database.writing() as connection:
            row = _row(connection, hash_)
            if row is not None and words not in row.notes:
                connection.execute(self._of(hash_).values(notes=[*row.notes, words]))

    def publish(self, hash_: str, document: RunDocument) -> None:
        """Keep the result as far as it has got."""
        packed = zlib.compress(json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), 6)
        self._change(hash_, document=packed, changed_at=time.time())

    def progressed(self, hash_: str) -> None:
        """Count attempts anew: a stage has been finished since the last worker died."""
        self._change(hash_, attempts=0)

    def finish(self, hash_: str, state: State, message: str = "") -> None:
        """Record how a run ended."""
        done = {"done": 1.0} if state == "done" else {}
        self._change(hash_, state=state, message=message, cancel=False, ended_at=time.time(), worker=None, **done)

    def record(self, spec: RunSpec, document: RunDocument) -> str:
        """Keep a run that was made elsewhere, or without the queue; return its name.

        It is kept under the name that it had where it was made: results of older code stay apart from this code's.
        """
        name = spec.hash_under(document.get("revisions", {}))
        with self._database.writing() as connection:
            if _row(connection, name) is None:
                _queue(connection, name, spec, {}, known=False)
        self.publish(name, document)
        self.finish(name, "done")
        return name

    def fail(self, spec: RunSpec, message: str) -> None:
        """Keep a row for a run that failed elsewhere."""
        with self._database.writing() as connection:
            _queue(connection, spec.hash, spec, {}, _row(connection, spec.hash) is not None)
        self.finish(spec.hash, "failed", message)

    def cancel(self, hash_: str) -> None:
        """Take a run out of the queue, or ask its worker to stop."""
        waiting = {"state": "cancelled", "ended_at": time.time(), "message": "Cancelled before it began."}
        with self._database.writing() as connection:
            connection.execute(self._of(hash_).where(_table.c.state == "queued").values(**waiting))
            connection.execute(self._of(hash_).where(_table.c.state == "running").values(cancel=True))

    def join(self, hash_: str, owner: str) -> None:
        """Follow a run that somebody else may have asked for: from then on it is nobody's own."""
        others = _table.c.owner.not_in(("", owner))
        with self._database.writing() as connection:
            connection.execute(self._of(hash_).where(_open, others).values(owner=""))

    def withdraw(self, hash_: str, owner: str) -> bool:
        """Cancel a run that nobody but its owner follows; tell whether it was one."""
        with self._database.reading() as connection:
            row = _row(connection, hash_)
        alone = row is not None and row.owner == owner and row.state in ("queued", "running")
        if alone:
            self.cancel(hash_)
        return alone

    def asked_to_stop(self, hash_: str) -> bool:
        """Tell whether someone asked a run to stop, or deleted it."""
        with self._database.reading() as connection:
            row = connection.execute(select(_table.c.cancel).where(_table.c.hash == hash_)).one_or_none()
        return row is None or bool(row.cancel)

    def look(self, hash_: str) -> Job | None:
        """Say how a run is doing; None if nobody ever asked for it."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_listed).where(_table.c.hash == hash_)).one_or_none()
            return None if row is None else job_of(row, _places(connection))

    def list(self) -> list[Job]:
        """Return all runs: those that go on, those that wait in their order, then the rest, latest first."""
        with self._database.reading() as connection:
            rows, places = connection.execute(select(*_listed)).all(), _places(connection)
        jobs = [job_of(row, places) for row in rows]
        return sorted(jobs, key=rank)

    def document(self, hash_: str) -> RunDocument | None:
        """Return a run's result as far as it has got."""
        with self._database.reading() as connection:
            packed = connection.execute(select(_table.c.document).where(_table.c.hash == hash_)).scalar_one_or_none()
        return None if packed is None else json.loads(zlib.decompress(packed))

    def waiting(self) -> int:
        """Return how many runs wait."""
        count = select(func.count()).select_from(_table).where(_table.c.state == "queued")
        with self._database.reading() as connection:
            return connection.execute(count).scalar_one()

    def delete(self, hash_: str) -> None:
        """Forget a run; what other runs do not use goes at the next garbage collection."""
        with self._database.writing() as connection:
            connection.execute(delete(_table).where(_table.c.hash == hash_))
            connection.execute(delete(schema.uses).where(schema.uses.c.run == hash_))

    def _of(self, hash_: str) -> Update:
        return update(_table).where(_table.c.hash == hash_)

    def _change(self, hash_: str, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(self._of(hash_).values(**values))


def _row(connection: Connection, hash_: str) -> Row | None:
    return connection.execute(select(*_listed).where(_table.c.hash == hash_)).one_or_none()


def _line() -> Select:
    """Select the waiting runs, the next first."""
    return select(*_listed).where(_table.c.state == "queued").order_by(_table.c.lane, _table.c.ticket)


def _within_limit(connection: Connection, owner: str, lane: int) -> None:
    if lane != INTERACTIVE or not owner:
        return
    mine = select(func.count()).select_from(_table).where(_open, _table.c.owner == owner, _table.c.lane == lane)
    if connection.execute(mine).scalar_one() >= A_USER_MAY_WAIT_FOR:
        raise SettingError(
            f"You have {A_USER_MAY_WAIT_FOR} runs waiting or going on, which is the limit; wait for one of them, or "
            "cancel one on the page Runs."
        )


def _queue(connection: Connection, name: str, spec: RunSpec, asked: dict[str, Any], known: bool) -> None:
    last = connection.execute(select(func.max(_table.c.ticket))).scalar_one() or 0
    fresh = {
        "spec": spec.to_json(),
        "state": "queued",
        "ticket": last + 1,
        "stage": "Waiting",
        "done": 0.0,
        "resumed_from": 0.0,
        "attempts": 0,
        "cancel": False,
        "message": "",
        "notes": [],
        "asked_at": time.time(),
        "started_at": None,
        "ended_at": None,
        **asked,
    }
    if known:
        connection.execute(update(_table).where(_table.c.hash == name).values(**fresh))
    else:
        connection.execute(insert(_table).values(hash=name, **fresh))


def _after_death(row: Row) -> dict[str, Any]:
    if row.cancel:
        return {"state": "cancelled", "worker": None, "cancel": False, "ended_at": time.time(), "message": "Cancelled."}
    if row.attempts + 1 >= MOST_ATTEMPTS:
        words = f"Its worker died {row.attempts + 1} times at the stage {row.stage!r}; look at the log, then try again."
        return {"state": "failed", "worker": None, "ended_at": time.time(), "message": words}
    return {"state": "queued", "worker": None, "attempts": row.attempts + 1}


def _places(connection: Connection) -> dict[str, int]:
    return {row.hash: place for place, row in enumerate(connection.execute(_line()).all())}
