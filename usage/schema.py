"""Tables of the usage store. SQLAlchemy Core; the same on SQLite and on MariaDB or MySQL (InnoDB, utf8mb4, UTC).

`customers`, `numbers`, `calls`, `sms` and `data_sessions` hold what was logged. `network_quarters` and `customer_days` are
sums of it, kept in the transaction of every change: reports over millions of records read them. The rest are books.

The id of a record is its start in milliseconds (12 hex digits), then 80 bits of a digest of what identifies it. So importing
twice finds the first sighting, and the table lies on disk in the order of time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql

QUARTER_SEC = 900  # every zone in use is off UTC by a multiple of 15 minutes
DAY_SEC = 86_400
DIRECTIONS = ("made", "received")
ZONES = ("national", "international", "roaming")
KINDS_OF_CUSTOMER = ("consumer", "business", "unknown")
STATES = ("active", "closed")
SMS_RESULTS = ("delivered", "failed", "pending", "unknown")
ID_LENGTH = 32
LONGEST_CUSTOMER_ID = 64
LONGEST_NAME = 200
LONGEST_PLAN = 64
LONGEST_PEER = 64
LONGEST_REF = 100
LONGEST_APN = 100


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC to the millisecond without a zone, and read back aware."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str, **keywords: Any) -> Column[str]:
    """A digest: hex digits, so one byte a character."""
    kind = String(ID_LENGTH).with_variant(
        mysql.CHAR(ID_LENGTH, charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
    )
    return Column(name, kind, **keywords)


def _word(name: str, length: int = 16, **keywords: Any) -> Column[str]:
    """One of our own few words."""
    kind = String(length).with_variant(
        mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
    )
    return Column(name, kind, nullable=False, **keywords)


def _count(name: str, **keywords: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **keywords)


customers = Table(
    "customers",
    metadata,
    Column("id", String(LONGEST_CUSTOMER_ID), primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    _word("kind"),
    Column("plan", String(LONGEST_PLAN), nullable=False),
    Column("since", Date),
    _word("state"),
    Column("logged", UtcTime, nullable=False),
    Index("ix_customers_plan", "plan"),
    **OPTIONS,
)
numbers = Table(
    "numbers",
    metadata,
    _id("key", primary_key=True),  # keyed hash of the number, as CDRs carry it
    Column("number", String(20)),  # E.164 with +; NULL where only the hash is known
    Column("customer_id", String(LONGEST_CUSTOMER_ID), ForeignKey("customers.id"), nullable=False),
    Index("ix_numbers_customer_id", "customer_id"),
    **OPTIONS,
)


def _records(name: str, *columns: Any) -> Table:
    return Table(
        name,
        metadata,
        _id("id", primary_key=True),
        Column("customer_id", String(LONGEST_CUSTOMER_ID), ForeignKey("customers.id"), nullable=False),
        Column("plan", String(LONGEST_PLAN), nullable=False),  # at the time of the record: customers change plans
        Column("started", UtcTime, nullable=False),
        Column("quarter", Integer, nullable=False),  # quarter hours since 1970 UTC, of `started`
        _word("zone"),
        *columns,
        _word("origin"),  # log, csv, or the CDR index it came from
        Column("ref", String(LONGEST_REF)),  # the sender's own reference, or the id of the CDR document
        Index(f"ix_{name}_customer_id_started", "customer_id", "started"),
        **OPTIONS,
    )


calls = _records(
    "calls",
    _word("direction"),
    Column("peer", String(LONGEST_PEER), nullable=False),
    Column("answered", Boolean, nullable=False),
    _count("duration_ms"),
    CheckConstraint("duration_ms >= 0", name="duration"),
)
sms = _records(
    "sms",
    _word("direction"),
    Column("peer", String(LONGEST_PEER), nullable=False),
    _word("result"),
    Column("parts", SmallInteger, nullable=False),
    CheckConstraint("parts >= 1", name="parts"),
)
data_sessions = _records(
    "data_sessions",
    Column("apn", String(LONGEST_APN), nullable=False),
    Column("final", Boolean, nullable=False),  # false: an interval of a session that goes on
    _count("duration_ms"),
    _count("uplink_bytes"),
    _count("downlink_bytes"),
    CheckConstraint("duration_ms >= 0 AND uplink_bytes >= 0 AND downlink_bytes >= 0", name="volumes"),
)
# What is added up; see usage.records.facts for what each means per service.
MEASURES = ("records", "events", "succeeded", "duration_ms", "units", "uplink_bytes", "downlink_bytes")
network_quarters = Table(
    "network_quarters",
    metadata,
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    _word("service", primary_key=True),
    _word("direction", primary_key=True),
    Column("plan", String(LONGEST_PLAN), primary_key=True),
    _word("zone", primary_key=True),
    *(_count(name) for name in MEASURES),
    **OPTIONS,
)
DAY_MEASURES = ("records", "calls", "call_ms", "sms", "sessions", "data_bytes")
customer_days = Table(
    "customer_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970-01-01 UTC
    Column("customer_id", String(LONGEST_CUSTOMER_ID), primary_key=True),
    *(_count(name) for name in DAY_MEASURES),
    **OPTIONS,
)
loads = Table(
    "loads",
    metadata,
    _id("id", primary_key=True),
    Column("source", String(255), nullable=False),
    _word("kind"),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime),
    Column("chunk", Integer, nullable=False),  # chunks committed: tells a lost answer from a lost chunk
    *(_count(name) for name in ("read", "inserted", "present", "rejected")),
    Index("ix_loads_started", "started"),
    **OPTIONS,
)
checkpoints = Table(
    "checkpoints",
    metadata,
    _word("source", 32, primary_key=True),
    Column("ingested", UtcTime, nullable=False),  # CDRs stamped up to here were read
    **OPTIONS,
)
set_aside = Table(
    "set_aside",
    metadata,
    _word("source", 32, primary_key=True),
    Column("document", String(64), primary_key=True),
    _word("reason", 32),
    _id("subscriber_key"),
    Index("ix_set_aside_subscriber_key", "subscriber_key"),
    **OPTIONS,
)
call_keys = Table(
    "call_keys",
    metadata,
    _id("key", primary_key=True),  # digest of call id, customer and direction: legs of one call are one call
    Column("ref", String(LONGEST_REF), nullable=False),
    **OPTIONS,
)
RECORD_TABLES = {"call": calls, "sms": sms, "data": data_sessions}
