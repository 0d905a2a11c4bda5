"""The three kinds of record: what a person or a file gives, and the row that it becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Table

from contracts.ids import joined
from usage.schema import QUARTER_SEC, RECORD_TABLES

Row = tuple[Any, ...]


class Kind(NamedTuple):
    """`given`: names of what is given, in the order of a CSV header; `columns`: of the table, in the order of a row."""

    name: str
    title: str
    given: tuple[str, ...]
    needed: tuple[str, ...]

    @property
    def plural(self) -> str:
        return self.title if self.title == "SMS" else f"{self.title}s"

    @property
    def table(self) -> Table:
        return RECORD_TABLES[self.name]

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS[self.name]


_COMMON = ("customer", "msisdn", "started")
_REST = ("plan", "zone", "ref")
CALL = Kind(
    "call", "call", (*_COMMON, "ended", "duration", "direction", "peer", "outcome", *_REST), ("started", "direction")
)
SMS = Kind("sms", "SMS", (*_COMMON, "direction", "peer", "result", "parts", *_REST), ("started", "direction"))
DATA = Kind(
    "data",
    "data session",
    (*_COMMON, "ended", "duration", "apn", "uplink", "downlink", "final", *_REST),
    ("started", "uplink", "downlink"),
)
KINDS = {kind.name: kind for kind in (CALL, SMS, DATA)}
COLUMNS = {name: tuple(str(column.name) for column in table.columns) for name, table in RECORD_TABLES.items()}
# Positions that every kind has; what follows them differs. Held to the tables by a test.
ID, CUSTOMER, PLAN, STARTED, QUARTER, ZONE = range(6)
CALL_DIRECTION, CALL_PEER, CALL_ANSWERED, CALL_DURATION = range(6, 10)
SMS_DIRECTION, SMS_PEER, SMS_RESULT, SMS_PARTS = range(6, 10)
DATA_APN, DATA_FINAL, DATA_DURATION, DATA_UPLINK, DATA_DOWNLINK = range(6, 11)
ORIGIN, REF = -2, -1
_SPECIFIC = {"call": slice(6, 10), "sms": slice(6, 10), "data": slice(6, 11)}


def epoch_quarter(moment: datetime) -> int:
    """Quarter hours since 1970 UTC."""
    return int(moment.timestamp()) // QUARTER_SEC


def record_id(kind: str, customer: str, started_ms: int, identity: tuple[object, ...]) -> str:
    """Start in milliseconds as 12 hex digits, then 80 bits of a digest: the same record has the same id on every way in."""
    return f"{started_ms:012x}{joined((kind, customer, *identity))[:20]}"


def started_of(key: str) -> datetime:
    """When the record of that id started."""
    return datetime.fromtimestamp(int(key[:12], 16) / 1000, UTC)


def id_bounds(start: datetime, end: datetime) -> tuple[str, str]:
    """`low` ≤ id < `high` for records that start in start ≤ t < end: the primary key is in the order of time."""
    return f"{round(start.timestamp() * 1000):012x}", f"{round(end.timestamp() * 1000):012x}"


def finished(kind: str, row: Row) -> Row:
    """A row with its id and quarter, worked out from the rest. What the sender's `ref` names is the record, else its content."""
    started: datetime = row[STARTED]
    started_ms = round(started.timestamp() * 1000)
    specific = row[_SPECIFIC[kind]]
    identity = (specific[0], row[REF]) if row[REF] else specific
    key = record_id(kind, row[CUSTOMER], started_ms, identity)
    return (key, *row[1:QUARTER], started_ms // (QUARTER_SEC * 1000), *row[QUARTER + 1 :])
