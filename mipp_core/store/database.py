"""The database: SQLite in WAL mode, so that readers never wait for a writer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from mipp_core.errors import DataError
from mipp_core.store import schema
from mipp_core.store.files import unwritable

_PATIENCE = 20.0
"""Seconds to wait for another process that is writing."""


class Database:
    """One SQLite file, shared by any number of processes and threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            opening = FileLock(path.with_name(f"{path.name}.opening"))  # SQLite does not wait when it switches to WAL
            with opening, self.writing() as connection:
                _migrate(connection, path)
        except OSError as problem:
            raise unwritable(path.parent, problem.strerror or str(problem)) from problem

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection for reading; every statement sees the latest state."""
        with self._said_clearly(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the one connection that may write now; what it does happens whole or not at all."""
        with self._said_clearly(), self._engine.execution_options(writing=True).begin() as connection:
            yield connection

    @contextmanager
    def _said_clearly(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise unwritable(self.path.parent, str(problem.orig)) from problem


def _engine(path: Path) -> Engine:
    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": _PATIENCE, "check_same_thread": False},
        json_serializer=compact,
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if connection.get_execution_options().get("writing"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _migrate(connection: Connection, path: Path) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > schema.VERSION:
        raise DataError(
            f"{path} was written by a newer version (schema {version}, known up to {schema.VERSION}); update this "
            "program, or choose another folder with --store."
        )
    if version == 0:
        schema.metadata.create_all(connection)
    else:
        for step in range(version, schema.VERSION):
            schema.MIGRATIONS[step](connection)
    if version != schema.VERSION:
        connection.exec_driver_sql(f"PRAGMA user_version = {schema.VERSION}")
