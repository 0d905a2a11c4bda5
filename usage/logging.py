"""One record as a person gives it, checked and stored; and finding records again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select

from contracts.errors import UserError
from contracts.ids import keyed_hash
from usage.analytics.period import Period
from usage.engine import UsageStore
from usage.expressions import rows
from usage.records.check import Refusal, Terms, check, key_of
from usage.records.customers import Directory
from usage.records.kinds import ID, KINDS, Row, id_bounds
from usage.records.write import change_record, log_record, show_record
from usage.schema import RECORD_TABLES

ORIGIN = "log"


class Logged(NamedTuple):
    """`new` is False when the same record was there already: nothing was stored twice."""

    id: str
    new: bool


def judge(store: UsageStore, kind: str, given: Mapping[str, str], zone: ZoneInfo, key: bytes) -> Row | Refusal:
    """The row that the record would be, or why it is refused. Times without an offset are of `zone`."""
    directory = Directory(store, key)
    directory.learn([given.get("customer", "").strip()], [keyed_hash(key, each) for each in key_of(given)])
    return check(kind, given, Terms(store.clock(), zone, ORIGIN, directory.plan_of, directory.owner))


def log(store: UsageStore, kind: str, given: Mapping[str, str], zone: ZoneInfo, key: bytes) -> Logged:
    """Stores a call, SMS or data session. Raises UserError with field and reason when it is refused."""
    row = _sound(kind, judge(store, kind, given, zone, key))
    return Logged(row[ID], bool(log_record(store, kind, row).inserted))


def _sound(kind: str, judged: Row | Refusal) -> Row:
    if isinstance(judged, Refusal):
        raise UserError(f"{judged.detail} ({judged.reason})", where=f"{KINDS[kind].title}, {judged.field}")
    return judged


def change(store: UsageStore, kind: str, record_id: str, given: Mapping[str, str], zone: ZoneInfo, key: bytes) -> str:
    """Changes fields of a stored record; returns its id, a new one where what identifies it changed. Raises UserError."""
    current = as_given(kind, show_record(store, kind, record_id))
    if "ended" in given:
        current.pop("duration", None)
    return change_record(store, kind, record_id, _sound(kind, judge(store, kind, current | dict(given), zone, key)))


def as_given(kind: str, stored: Mapping[str, Any]) -> dict[str, str]:
    """A stored record as it would be given, in text."""
    given = {name: str(stored[name] or "") for name in ("plan", "zone", "ref")}
    given |= {"customer": stored["customer_id"], "started": stored["started"].isoformat()}
    if kind == "sms":
        return given | {name: str(stored[name]) for name in ("direction", "peer", "result", "parts")}
    given["duration"] = f"{stored['duration_ms']} ms"
    if kind == "call":
        outcome = "answered" if stored["answered"] else "unanswered"
        return given | {"direction": stored["direction"], "peer": stored["peer"], "outcome": outcome}
    volumes = {"uplink": str(stored["uplink_bytes"]), "downlink": str(stored["downlink_bytes"])}
    return given | volumes | {"apn": stored["apn"], "final": "yes" if stored["final"] else "no"}


def search(
    store: UsageStore, kind: str, period: Period, *, customer: str = "", peer: str = "", ref: str = "", limit: int = 50
) -> list[dict[str, Any]]:
    """Stored records of a period, newest first. `peer`: part of the other party, taken literally; the rest whole."""
    table = RECORD_TABLES[kind]
    low, high = id_bounds(period.start, period.end)
    query = select(table).where(table.c.id >= low, table.c.id < high)
    if customer:
        query = query.where(table.c.customer_id == customer)
    if ref:
        query = query.where(table.c.ref == ref)
    if peer:
        query = query.where(table.c["apn" if kind == "data" else "peer"].contains(peer, autoescape=True))
    newest = query.order_by(table.c.id.desc()).limit(limit)
    return store.read(lambda connection: rows(connection, newest))
