"""Customers, their numbers, calls, SMS, data sessions; sums of them; books."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from usage.migrations.steps import index, table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERVERS = ("mysql", "mariadb")


def _key(name: str = "id", **keywords: Any) -> sa.Column[str]:
    kind = sa.String(32).with_variant(mysql.CHAR(32, charset="ascii", collation="ascii_bin"), *_SERVERS)
    return sa.Column(name, kind, **keywords)


def _word(name: str, length: int = 16, **keywords: Any) -> sa.Column[str]:
    kind = sa.String(length).with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), *_SERVERS)
    return sa.Column(name, kind, nullable=False, **keywords)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime().with_variant(mysql.DATETIME(fsp=3), *_SERVERS), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _customer(table_name: str) -> sa.Column[str]:
    reference = sa.ForeignKey("customers.id", name=f"fk_{table_name}_customer_id")
    return sa.Column("customer_id", sa.String(64), reference, nullable=False)


def _records(name: str, *columns: Any) -> None:
    table(
        name,
        _key(primary_key=True),
        _customer(name),
        sa.Column("plan", sa.String(64), nullable=False),
        _time("started"),
        sa.Column("quarter", sa.Integer, nullable=False),
        _word("zone"),
        *columns,
        _word("origin"),
        sa.Column("ref", sa.String(100)),
    )
    index(name, "customer_id", "started")


def upgrade() -> None:
    _make_customers()
    _records(
        "calls",
        _word("direction"),
        sa.Column("peer", sa.String(64), nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        _count("duration_ms"),
        sa.CheckConstraint("duration_ms >= 0", name="ck_calls_duration"),
    )
    _records(
        "sms",
        _word("direction"),
        sa.Column("peer", sa.String(64), nullable=False),
        _word("result"),
        sa.Column("parts", sa.SmallInteger, nullable=False),
        sa.CheckConstraint("parts >= 1", name="ck_sms_parts"),
    )
    _records(
        "data_sessions",
        sa.Column("apn", sa.String(100), nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        *(_count(name) for name in ("duration_ms", "uplink_bytes", "downlink_bytes")),
        sa.CheckConstraint(
            "duration_ms >= 0 AND uplink_bytes >= 0 AND downlink_bytes >= 0", name="ck_data_sessions_volumes"
        ),
    )
    _make_sums()
    _make_books()


def _make_customers() -> None:
    table(
        "customers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        _word("kind"),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("since", sa.Date),
        _word("state"),
        _time("logged"),
    )
    index("customers", "plan")
    table("numbers", _key("key", primary_key=True), sa.Column("number", sa.String(20)), _customer("numbers"))
    index("numbers", "customer_id")


def _make_sums() -> None:
    measures = ("records", "events", "succeeded", "duration_ms", "units", "uplink_bytes", "downlink_bytes")
    table(
        "network_quarters",
        sa.Column("quarter", sa.Integer, primary_key=True, autoincrement=False),
        _word("service", primary_key=True),
        _word("direction", primary_key=True),
        sa.Column("plan", sa.String(64), primary_key=True),
        _word("zone", primary_key=True),
        *(_count(name) for name in measures),
    )
    table(
        "customer_days",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.String(64), primary_key=True),
        *(_count(name) for name in ("records", "calls", "call_ms", "sms", "sessions", "data_bytes")),
    )


def _make_books() -> None:
    table(
        "loads",
        _key(primary_key=True),
        sa.Column("source", sa.String(255), nullable=False),
        _word("kind"),
        _time("started"),
        _time("finished", nullable=True),
        sa.Column("chunk", sa.Integer, nullable=False),
        *(_count(name) for name in ("read", "inserted", "present", "rejected")),
    )
    index("loads", "started")
    table("checkpoints", _word("source", 32, primary_key=True), _time("ingested"))
    table(
        "set_aside",
        _word("source", 32, primary_key=True),
        sa.Column("document", sa.String(64), primary_key=True),
        _word("reason", 32),
        _key("subscriber_key"),
    )
    index("set_aside", "subscriber_key")
    table("call_keys", _key("key", primary_key=True), sa.Column("ref", sa.String(100), nullable=False))


def downgrade() -> None:
    raise NotImplementedError("the first revision has nothing before it: drop the database where it is not wanted")
