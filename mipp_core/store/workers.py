"""Signs of life of the workers."""

import os
import time

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from mipp_core.store import schema
from mipp_core.store.database import Database


class Workers:
    """The workers of this store, and when each last gave a sign of life."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, device: str) -> None:
        """Show a sign of life of this process, the device's worker."""
        now = time.time()
        row = {"pid": os.getpid(), "heartbeat": now}
        statement = insert(schema.workers).values(device=device, started_at=now, **row)
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["device"], set_=row))

    def silence(self) -> dict[str, float]:
        """Return for each device the seconds since its worker's last sign of life."""
        wanted = select(schema.workers.c.device, schema.workers.c.heartbeat)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return {row.device: max(0.0, time.time() - row.heartbeat) for row in rows}
