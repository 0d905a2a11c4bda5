"""Reconciliation of a day: the ledger against itself, against what the store holds, per file and per day.

Two days are told apart. *Delivered* on a day (UTC): the files whose last modification (`file.mtime`) is in it; their books must
balance, and agree with the documents that name them. *Records* of a day (UTC, `@timestamp`): documents in the store, each of
which must come from a file whose books are closed and balance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from contracts.clock import iso
from contracts.ids import joined
from contracts.indices import CDR_INDEX, concrete
from contracts.outcomes import Counts
from infrastructure.store import Store
from mediation.audit.auditing import counts_of
from mediation.audit.discover import RECORDS, File, files_of
from mediation.suspense import Movement, movements

_PAGE = 500
_SHOWN = 100  # files named as not balancing


@dataclass(slots=True)
class Totals:
    """Files of one source and layout. Laws: lines = indexed + duplicate + rejected + missing; rejected = suspended + recycled +
    discarded; records = indexed + those recycled that are records from here.
    """

    source: str
    layout: str
    services: tuple[str, ...]
    files: int = 0
    open: int = 0
    counts: Counts = field(default_factory=Counts)
    movement: Movement = field(default_factory=Movement)
    records: int = 0
    wrong: int = 0  # files that are closed and do not balance
    lost: int = 0  # CDRs that the sender itself says it lost, at least; they are no lines of a file

    @property
    def balanced(self) -> bool:
        return not self.open and not self.wrong

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        numbers = {
            name: getattr(self.counts, name) for name in ("lines", "indexed", "duplicate", "rejected", "missing")
        }
        moved = {name: getattr(self.movement, name) for name in ("suspended", "recycled", "discarded")}
        about = {"source": self.source, "layout": self.layout, "services": list(self.services)}
        files = {"files": self.files, "open": self.open, "unbalanced": self.wrong}
        return {
            **about,
            **files,
            **numbers,
            **moved,
            "reasons": dict(sorted(self.movement.reasons.items())),
            "records": self.records,
            "lost_by_sender": self.lost,
            "balanced": self.balanced,
        }


@dataclass(slots=True)
class RecordDay:
    """Records of one service on the day, by the state of the file that they are from."""

    service: str
    records: int = 0
    balanced: int = 0
    unbalanced: int = 0
    open: int = 0
    unknown: int = 0  # the ledger has no row for their file

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        names = ("service", "records", "balanced", "unbalanced", "open", "unknown")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class DayBooks:
    """`problems`: path and what is wrong, the first 100. `balanced`: nothing is wrong, and nothing is open."""

    day: str
    delivered: list[Totals] = field(default_factory=list)
    records: list[RecordDay] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        whole = all(day.records == day.balanced for day in self.records)
        return whole and all(totals.balanced for totals in self.delivered)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "day": self.day,
            "delivered": [totals.as_dict() for totals in self.delivered],
            "records": [day.as_dict() for day in self.records],
            "problems": [{"file": path, "what": what} for path, what in self.problems],
            "balanced": self.balanced,
        }


def reconcile(store: Store, day: datetime) -> DayBooks:
    """The books of the UTC day that begins at `day`. Reads only; counted inside Elasticsearch, memory flat in files."""
    store.refresh("cdr-file", "cdr-reject", *CDR_INDEX.values())
    books = DayBooks(f"{day:%Y-%m-%d}")
    span = {"gte": iso(day), "lt": iso(day + timedelta(days=1))}
    groups: dict[tuple[str, str], Totals] = {}
    rows = (hit["_source"] for hit in store.scan("cdr-file", {"range": {"file.mtime": span}}))
    while page := list(islice(rows, _PAGE)):
        for row, records, movement in _compared(store, page):
            _add(books, groups, row, records, movement)
    books.delivered = [groups[key] for key in sorted(groups)]
    books.records = [_records(store, books, service, span) for service in CDR_INDEX]
    books.records = [each for each in books.records if each.records]
    return books


def _compared(store: Store, page: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int, Movement]]:
    """Each row with what the store holds of its file: records, and rejects."""
    files = [_file(row) for row in page]
    query = {"terms": {"log.file.path": sorted({path for path, _ in files})}}
    records = {file: int(bucket["doc_count"]) for file, bucket in files_of(store, RECORDS, query)}
    moved = dict(movements(store, files))
    for row, file in zip(page, files, strict=True):
        yield row, records.get(file, 0), moved.get(file, Movement())


def _add(
    books: DayBooks, groups: dict[tuple[str, str], Totals], row: dict[str, Any], records: int, movement: Movement
) -> None:
    about = row["file"]
    key = (str(about.get("source", "")), str(about.get("layout", "")))
    totals = groups.get(key) or groups.setdefault(key, Totals(*key, _services(row)))
    totals.files += 1
    totals.counts.add(counts_of(row))
    totals.movement.add(movement)
    totals.records += records
    totals.lost += int(about.get("lost", 0))
    wrong = unbalanced(row, records, movement)
    if about.get("state") != "closed":
        totals.open += 1
        wrong = "is open: run `busyhour books PATH`, or ingest it"
    elif wrong:
        totals.wrong += 1
    if wrong and len(books.problems) < _SHOWN:
        books.problems.append((_file(row)[0], wrong))


def unbalanced(row: Mapping[str, Any], records: int, movement: Movement) -> str:
    """What is wrong with the books of a closed file, in words; empty when nothing is."""
    counts = counts_of(row)
    if counts.missing:
        return f"{counts.missing} of {counts.lines} lines are missing: ingest the file again"
    if not counts.balanced:
        ends = counts.indexed + counts.duplicate + counts.rejected
        return f"{counts.lines} lines, but {ends} indexed, duplicate and rejected: ingest the file again"
    if movement.rejected != counts.rejected:
        return f"{counts.rejected} lines rejected, but the store holds {movement.rejected} rejects of it: audit it with --verify"
    if records != counts.indexed + movement.indexed:
        wanted = f"{counts.indexed} indexed and {movement.indexed} recycled"
        return f"{wanted}, but the store holds {records} records of it: audit it with --verify"
    return ""


def _records(store: Store, books: DayBooks, service: str, span: dict[str, str]) -> RecordDay:
    found = RecordDay(service)
    query = {"range": {"@timestamp": span}}
    items = files_of(store, CDR_INDEX[service], query)
    index = concrete("cdr-file")
    while page := list(islice(items, _PAGE)):
        rows = store.read_back([(index, joined(file)) for file, _ in page], ["file"])
        for (file, bucket), row in zip(page, rows, strict=True):
            count = int(bucket["doc_count"])
            found.records += count
            state = _state(row.source if row else None)
            setattr(found, state, getattr(found, state) + count)
            if state == "unknown" and len(books.problems) < _SHOWN:
                books.problems.append((file[0], f"the ledger has no row of it, but the store holds {count} records"))
    return found


def _state(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "unknown"
    if row.get("file", {}).get("state") != "closed":
        return "open"
    return "balanced" if counts_of(row).balanced else "unbalanced"


def _services(row: Mapping[str, Any]) -> tuple[str, ...]:
    names = row.get("service", {}).get("name", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _file(row: Mapping[str, Any]) -> File:
    file = row["log"]["file"]
    return str(file["path"]), str(file["fingerprint"])
