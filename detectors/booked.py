"""What the books of files tell of labelled file faults: files that came late or twice, and clocks that are wrong.

Nobody's service suffers from these, so no KPI shows them; the ledger (`cdr-file`) does. A fault is *told* when

* late files: half of its files at least came ten minutes later after their last record than the source's files usually do;
* files given twice: a file that begins like one of it is *duplicate* throughout, its lines having been seen elsewhere;
* a wrong clock: a file of the time holds records from after its delivery, or rejects for `future_time`. A clock that is behind
  cannot be told from a file that is late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from contracts.clock import iso, parse_iso
from detectors.evaluation import Labelled
from detectors.records import read
from infrastructure.store import Store

LATER = timedelta(minutes=10)
AHEAD = timedelta(minutes=1)  # files are delivered whole; clocks that agree within a minute do
_BEFORE = timedelta(days=1)  # what is usual of a source
_FIELDS = ["log.file", "service.name", "file"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Booked:
    """One labelled file fault; `after_s`: seconds from its start until the books could tell it, None: they do not."""

    labelled: str
    type: str
    told: bool
    after_s: float | None
    words: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def told_by_books(store: Store, truth: Sequence[Labelled]) -> list[Booked]:
    """Every incident that the books must tell, in the order of the truth; [] where the truth has none."""
    return [_booked(one, _rows(store, one)) for one in truth if one.scored_by == "books"]


def _rows(store: Store, one: Labelled) -> list[Row]:
    """Rows of the ledger with records of the incident's time and of the day before."""
    times = [
        {"range": {"file.first": {"lt": iso(one.end)}}},
        {"range": {"file.last": {"gte": iso(one.start - _BEFORE)}}},
        {"term": {"service.name": one.service}},
    ]
    return [
        hit["_source"]
        for hit in store.scan("cdr-file", {"bool": {"filter": times}}, _FIELDS)
        if _delivered(hit["_source"])
    ]


def _delivered(row: Row) -> datetime | None:
    moment = read(row, "file.mtime")
    return parse_iso(moment) if moment else None


def _booked(one: Labelled, rows: list[Row]) -> Booked:
    names = set(one.files)
    named = [row for row in rows if str(read(row, "log.file.path", "")).rpartition("/")[2] in names]
    if one.files and not named:
        return Booked(one.id, one.type, False, None, "none of its files is in the books")
    how: Callable[[Labelled, list[Row], list[Row]], tuple[list[Row], str]] = {
        "late_files": _late, "duplicate_files": _twice,
    }.get(one.type, _ahead)  # fmt: skip
    proof, words = how(one, named, rows)
    moments = [moment for row in proof if (moment := _delivered(row)) is not None]
    after = max((min(moments) - one.start).total_seconds(), 0.0) if moments else None
    return Booked(one.id, one.type, bool(proof), after, words)


def _late(one: Labelled, named: list[Row], rows: list[Row]) -> tuple[list[Row], str]:
    sources = {read(row, "file.source") for row in named}
    others = [row for row in rows if row not in named and read(row, "file.source") in sources]
    usual = median(map(_lateness, others)) if others else 0.0
    late = [row for row in named if _lateness(row) >= usual + LATER.total_seconds()]
    words = f"{len(late)} of {len(named)} files came late"
    if late:
        words += (
            f", {median(map(_lateness, late)) / 60:.0f} min after their last record where {usual / 60:.0f} min is usual"
        )
    return (late, words) if 2 * len(late) >= len(named) else ([], words)


def _lateness(row: Row) -> float:
    """Seconds from a file's last record to its delivery."""
    delivered = _delivered(row)
    assert delivered is not None  # noqa: S101  rows without are left out
    return (delivered - parse_iso(read(row, "file.last"))).total_seconds()


def _twice(one: Labelled, named: list[Row], rows: list[Row]) -> tuple[list[Row], str]:
    prints = {read(row, "log.file.fingerprint") for row in named}
    same = [row for row in rows if read(row, "log.file.fingerprint") in prints]
    again = [row for row in same if read(row, "file.lines", 0) == read(row, "file.duplicate", 0) > 0]
    return again, f"{len(again)} files of {len(same)} that begin alike hold nothing but what came before"


def _ahead(one: Labelled, named: list[Row], rows: list[Row]) -> tuple[list[Row], str]:
    inside = [row for row in rows if parse_iso(read(row, "file.last")) >= one.start]
    ahead = [
        row
        for row in inside
        if _lateness(row) <= -AHEAD.total_seconds() or int(read(row, "file.reasons", {}).get("future_time", 0))
    ]
    return ahead, f"{len(ahead)} of {len(inside)} files hold records from after their delivery"
