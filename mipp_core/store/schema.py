"""What the database holds, and how older ones are brought up to date."""

from collections.abc import Callable

from sqlalchemy import JSON, Boolean, Column, Connection, Float, Integer, LargeBinary, MetaData, String, Table

VERSION = 2
"""Of the schema; kept in the database's ``user_version``."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("hash", String, primary_key=True, comment="the specification's; identical requests are one row"),
    Column("spec", JSON, nullable=False),
    Column("state", String, nullable=False, comment="queued, running, done, cancelled or failed"),
    Column("lane", Integer, nullable=False, default=0, comment="0 interactive, 1 batch; the lower goes first"),
    Column("ticket", Integer, nullable=False, comment="place in the lane: first in, first out"),
    Column("owner", String, nullable=False, default="", comment="who asked, for the limit per user"),
    Column("device", String, nullable=False, default="", comment="wanted; empty for any"),
    Column("data_dir", String, comment="where downloaded datasets are"),
    Column("worker", String, comment="device of the worker that has it"),
    Column("stage", String, nullable=False, default="", comment="in words a user reads"),
    Column("done", Float, nullable=False, default=0.0, comment="share of the whole run"),
    Column("attempts", Integer, nullable=False, default=0, comment="times a worker died over it"),
    Column("cancel", Boolean, nullable=False, default=False, comment="someone asked it to stop"),
    Column("message", String, nullable=False, default="", comment="why it stopped"),
    Column(
        "notes",
        JSON,
        nullable=False,
        default=list,
        server_default="[]",
        comment="smaller batches and the like",
    ),
    Column("asked_at", Float, nullable=False),
    Column("started_at", Float),
    Column("resumed_from", Float, nullable=False, default=0.0, comment="``done`` when the present attempt began"),
    Column("ended_at", Float),
    Column("document", LargeBinary, comment="the result as far as it has got, JSON, zlib"),
    Column("changed_at", Float, nullable=False, default=0.0, comment="of the document"),
)

stages = Table(
    "stages",
    metadata,
    Column("key", String, primary_key=True, comment="digest of everything the outcome depends on"),
    Column("kind", String, nullable=False),
    Column("value", JSON, nullable=False, comment="metrics or decisions"),
    Column("blob", String, comment="content name of its tensors"),
    Column("seconds", Float, nullable=False),
    Column("device", String, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    Column("times", Integer, nullable=False, default=1, comment="how often it was computed: 1, unless by two at once"),
)

uses = Table(
    "uses",
    metadata,
    Column("run", String, primary_key=True),
    Column("stage", String, primary_key=True),
)

workers = Table(
    "workers",
    metadata,
    Column("device", String, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
)


def _notes(connection: Connection) -> None:
    """1 -> 2: runs carry notes."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN notes JSON NOT NULL DEFAULT '[]'")


MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _notes}
"""Schema version -> the step to the next."""
