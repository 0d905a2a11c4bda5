"""The way of a CDR into the usage store, in order: customers → those set aside that have a customer now → new CDRs → counts.

A chunk's records, what was set aside of it and the checkpoint are written in one transaction, and a record's id follows from its
document: killed anywhere and run again, nothing is lost and nothing doubled. Reading begins a little before the checkpoint, since
a document may become visible after a later one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.exc import IntegrityError

from contracts.clock import iso, parse_iso
from contracts.errors import ConflictError
from infrastructure.store import Store
from usage import schema
from usage.engine import UsageStore
from usage.expressions import keeping, replacing
from usage.records.check import Refusal, Terms, check
from usage.records.customers import Directory
from usage.records.kinds import Row
from usage.records.write import Written, stored, write
from usage.sync.documents import FIELDS, SOURCES, Candidate, Reading, at, read_document
from usage.sync.people import sync_customers

CHUNK = 2000
UNKNOWN = "unknown_customer"
_NOT_RECORDS = ["cmr", "event", "call", "session"]  # cdr.kind of documents that are no CDR of a call or session
_ASIDE_AT_ONCE = 500


@dataclass(slots=True)
class SourceReport:
    """One index. documents = stored + aside, when it balances; `read`, `inserted` and `present` are of this run."""

    source: str
    read: int = 0
    inserted: int = 0
    present: int = 0
    documents: int = 0
    stored: int = 0
    aside: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        return self.documents == self.stored + sum(self.aside.values())

    def as_dict(self) -> dict[str, Any]:
        figures = {
            name: getattr(self, name) for name in ("read", "inserted", "present", "documents", "stored", "aside")
        }
        return {"source": self.source, **figures, "balanced": self.balanced}


@dataclass(slots=True)
class SyncReport:
    """`customers`: how many the service desk has; a report a source."""

    customers: int = 0
    sources: list[SourceReport] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def balanced(self) -> bool:
        return all(each.balanced for each in self.sources)

    def as_dict(self) -> dict[str, Any]:
        rows = [each.as_dict() for each in self.sources]
        return {
            "customers": self.customers,
            "sources": rows,
            "balanced": self.balanced,
            "seconds": round(self.seconds, 3),
        }


class _Read(NamedTuple):
    """A document and what it tells."""

    id: str
    ingested: datetime
    reading: Reading


def sync(cdrs: Store, usage: UsageStore, *, numbers: bool = False) -> SyncReport:
    """Brings every CDR that became visible since the last run into the usage store; safe to repeat, and to run twice at once.

    Documents that are no usage of a known customer are set aside with the reason, and tried again when their customer is known.
    Raises StoreUnavailable and StoreRefused as both stores do.
    """
    began = time.monotonic()
    report = SyncReport()
    cdrs.refresh(*SOURCES, "customer")
    until = cdrs.clock()
    report.customers = sync_customers(cdrs, usage, numbers=numbers)
    for source in SOURCES:
        run = _Run(cdrs, usage, source)
        run.retry_aside()
        run.read_new(until)
        run.reconcile(until)
        report.sources.append(run.report)
    report.seconds = time.monotonic() - began
    return report


class _Run:
    """One source."""

    def __init__(self, cdrs: Store, usage: UsageStore, source: str) -> None:
        self._cdrs, self._usage = cdrs, usage
        self._directory = Directory(usage)
        self.report = SourceReport(source)
        self._source = source
        self._terms = Terms(usage.clock(), ZoneInfo("UTC"), source, self._directory.plan_of, lambda _: "")

    def retry_aside(self) -> None:
        """Documents that were nobody's, and are somebody's now."""
        aside, numbers = schema.set_aside, schema.numbers
        query = (
            select(aside.c.document)
            .join(numbers, numbers.c.key == aside.c.subscriber_key)
            .where(aside.c.source == self._source, aside.c.reason == UNKNOWN)
            .limit(_ASIDE_AT_ONCE)
        )
        tried: set[str] = set()
        while True:
            wanted = self._usage.read(lambda connection: connection.scalars(query).all())
            if not wanted or tried >= set(wanted):
                return
            tried |= set(wanted)
            found = self._cdrs.get_many(self._source, wanted)
            self._store([_of(self._source, key, each.source) for key, each in found.items()], None)

    def read_new(self, until: datetime) -> None:
        query = self._query(until, self._checkpoint())
        hits = self._cdrs.scan(self._source, query, FIELDS, sort=[{"event.ingested": "asc"}])
        while batch := list(islice(hits, CHUNK)):
            documents = [_of(self._source, hit["_id"], hit["_source"]) for hit in batch]
            self.report.read += len(documents)
            self._store(documents, max(each.ingested for each in documents))

    def _query(self, until: datetime, since: datetime | None) -> dict[str, Any]:
        span = {"lte": iso(until)} | ({"gte": iso(since)} if since else {})
        return {
            "bool": {
                "filter": [{"range": {"event.ingested": span}}],
                "must_not": [{"terms": {"cdr.kind": _NOT_RECORDS}}],
            }
        }

    def _checkpoint(self) -> datetime | None:
        table = schema.checkpoints
        query = select(table.c.ingested).where(table.c.source == self._source)
        found = self._usage.read(lambda connection: connection.scalar(query))
        return found - timedelta(seconds=self._cdrs.settings.number("kpi.allowance.sec")) if found else None

    def _store(self, documents: Sequence[_Read], checkpoint: datetime | None) -> None:
        self._directory.learn((), {each.key for document in documents for each in document.reading.candidates})
        try:
            counts = self._usage.write(lambda connection: self._write(connection, documents, checkpoint))
        except IntegrityError as error:
            what = "a customer was removed while records of theirs were read"
            raise ConflictError(what, where=self._usage.place, remedy="run again: nothing is stored twice") from error
        self.report.inserted += counts.inserted
        self.report.present += counts.present

    def _write(self, connection: Connection, documents: Sequence[_Read], checkpoint: datetime | None) -> Written:
        rows, aside, legs = self._judged(connection, documents)
        inserted = present = 0
        for kind, found in rows.items():
            done = write(connection, kind, found)
            inserted, present = inserted + done.inserted, present + done.present
        dialect = connection.dialect.name
        if legs:
            connection.execute(
                keeping(schema.call_keys, dialect), [{"key": key, "ref": ref} for key, ref in legs.items()]
            )
        self._forget_aside(connection, [each.id for each in documents])
        if aside:
            connection.execute(replacing(schema.set_aside, dialect, ("reason", "subscriber_key")), aside)
        if checkpoint is not None:
            values = {"source": self._source, "ingested": checkpoint}
            connection.execute(replacing(schema.checkpoints, dialect, ("ingested",)), [values])
        return Written(inserted, present)

    def _forget_aside(self, connection: Connection, ids: Sequence[str]) -> None:
        table = schema.set_aside
        for start in range(0, len(ids), _ASIDE_AT_ONCE):
            batch = ids[start : start + _ASIDE_AT_ONCE]
            connection.execute(delete(table).where(table.c.source == self._source, table.c.document.in_(batch)))

    def _judged(
        self, connection: Connection, documents: Sequence[_Read]
    ) -> tuple[dict[str, list[Row]], list[dict[str, Any]], dict[str, str]]:
        """Rows by kind, documents to set aside, and which document stands for each call that has several legs."""
        own, legs = self._own(connection, documents), self._legs(connection, documents)
        rows: dict[str, list[Row]] = {}
        aside: list[dict[str, Any]] = []
        for document in documents:
            found, reason, key = self._of_document(document, own, legs)
            for kind, row in found:
                rows.setdefault(kind, []).append(row)
            if not found:
                aside.append({"source": self._source, "document": document.id, "reason": reason, "subscriber_key": key})
        return rows, aside, legs

    def _of_document(
        self, document: _Read, own: set[str], legs: dict[str, str]
    ) -> tuple[list[tuple[str, Row]], str, str | None]:
        reading = document.reading
        if reading.own is not None:
            return [], "own_record" if reading.own[1] in own else "record_of_another_store", None
        reasons: list[tuple[str, str | None]] = [(reading.reason, None)] if reading.reason else []
        found: list[tuple[str, Row]] = []
        for each in reading.candidates:
            owner = self._directory.owner_of_key(each.key)
            if not owner:
                reasons.append((UNKNOWN, each.key))
            elif each.leg and legs.setdefault(each.leg, document.id) != document.id:
                reasons.append(("other_leg", None))
            else:
                self._judge(each, owner, document.id, found, reasons)
        reason, key = reasons[0] if reasons else ("", None)
        return found, reason, key

    def _judge(
        self,
        each: Candidate,
        owner: str,
        ref: str,
        found: list[tuple[str, Row]],
        reasons: list[tuple[str, str | None]],
    ) -> None:
        row = check(each.kind, each.given | {"customer": owner, "ref": ref}, self._terms)
        if isinstance(row, Refusal):
            reasons.append((row.reason, None))
        else:
            found.append((each.kind, row))

    def _own(self, connection: Connection, documents: Sequence[_Read]) -> set[str]:
        """Records of this store that came back as CDRs."""
        found: set[str] = set()
        ids: dict[str, list[str]] = {}
        for kind, key in (each.reading.own for each in documents if each.reading.own is not None):
            ids.setdefault(kind, []).append(key)
        for kind, keys in ids.items():
            found |= set(stored(connection, kind, keys))
        return found

    def _legs(self, connection: Connection, documents: Sequence[_Read]) -> dict[str, str]:
        """The document that stands for a call already, by the call's key."""
        keys = [each.leg for document in documents for each in document.reading.candidates if each.leg]
        table = schema.call_keys
        found: dict[str, str] = {}
        for start in range(0, len(keys), _ASIDE_AT_ONCE):
            query = select(table.c.key, table.c.ref).where(table.c.key.in_(keys[start : start + _ASIDE_AT_ONCE]))
            found |= {row[0]: row[1] for row in connection.execute(query)}
        return found

    def reconcile(self, until: datetime) -> None:
        """Counts documents there, and those that have a record or a reason here."""
        self.report.documents = self._cdrs.count(self._source, self._query(until, None))

        def work(connection: Connection) -> tuple[int, dict[str, int]]:
            refs = 0
            for table in schema.RECORD_TABLES.values():
                counted = select(func.count(func.distinct(table.c.ref))).where(table.c.origin == self._source)
                refs += connection.scalar(counted) or 0
            aside = schema.set_aside
            reasons = (
                select(aside.c.reason, func.count()).where(aside.c.source == self._source).group_by(aside.c.reason)
            )
            return refs, {row[0]: int(row[1]) for row in connection.execute(reasons)}

        self.report.stored, self.report.aside = self._usage.read(work)


def _of(source: str, key: str, document: Mapping[str, Any]) -> _Read:
    return _Read(key, parse_iso(str(at(document, "event.ingested"))), read_document(source, document))
