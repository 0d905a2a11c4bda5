"""Settling: a chunk is written, and each of its lines gets its outcome from what the store answered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from contracts.ids import ID_LENGTH
from contracts.indices import concrete
from contracts.outcomes import Counts, Reason, Reject
from infrastructure.store import ItemResult, Operation, Store, Versioned
from mediation.books import Book
from mediation.collect import KEPT_BYTES, LongLine

_PLACE = ("log", "event.ingested")
_RAW_CHARACTERS = 8192


class Line(NamedTuple):
    """Where a line came from. `reject` None: it became a record."""

    book: Book
    offset: int
    number: int
    raw: bytes
    reject: Reject | None


@dataclass(slots=True)
class Chunk:
    """Lines and their operations, same order, written as one bulk request; `stamp` is their event.ingested."""

    stamp: str
    lines: list[Line] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What a chunk adds to one file's books: see `Book`."""

    book: Book
    counts: Counts = field(default_factory=Counts)
    run: Counts = field(default_factory=Counts)


def reject_prefix(layout: str) -> bytes:
    """What the digest of a rejected line starts with; its id is `contracts.ids.joined((layout, raw line))`."""
    return layout.encode() + b"\x1f"


def reject_document(line: Line, reject: Reject, stamp: str) -> tuple[str, dict[str, Any]]:
    """Id and document of a suspended line."""
    layout = line.book.source.layout
    name = layout.name if layout else ""
    if isinstance(line.raw, LongLine):
        key = line.raw.digest
    else:
        key = hashlib.sha256(reject_prefix(name) + line.raw).hexdigest()[:ID_LENGTH]
    document: dict[str, Any] = {
        "event": {"ingested": stamp},
        "log": {"file": line.book.log, "offset": line.offset, "line": line.number},
        "cdr": {"layout": name},
        "reject": {
            "reason": reject.reason.value,
            "detail": reject.detail,
            "state": "suspended",
            "raw": line.raw[: 4 * KEPT_BYTES].decode(errors="replace")[:_RAW_CHARACTERS],
        },
    }
    if reject.column:
        document["reject"]["column"] = reject.column
    if layout is not None and len(layout.services) == 1:
        document["service"] = {"name": layout.services[0]}
    return key, document


def reject_operation(line: Line, reject: Reject, stamp: str) -> Operation:
    """Suspends a line: the first sighting wins, a second one is a duplicate."""
    key, document = reject_document(line, reject, stamp)
    return Operation("create", concrete("cdr-reject"), key, orjson.dumps(document))


def settle(store: Store, chunk: Chunk) -> list[Tally]:
    """Writes a chunk; every line of it ends as indexed, duplicate or rejected. Raises what the store raises."""
    results = store.bulk(chunk.operations)
    refused = [position for position, result in enumerate(results) if result.refused]
    lines, operations = list(chunk.lines), list(chunk.operations)
    if refused:
        for position in refused:
            reject = Reject(Reason.STORE_REFUSED, "", results[position].error)
            lines[position] = lines[position]._replace(reject=reject)
            operations[position] = reject_operation(lines[position], reject, chunk.stamp)
        again = store.bulk([operations[position] for position in refused])
        for position, result in zip(refused, again, strict=True):
            results[position] = result
    return _tallies(lines, results, _existing(store, operations, results), chunk.stamp)


def _existing(
    store: Store, operations: Sequence[Operation], results: Sequence[ItemResult]
) -> dict[int, Versioned | None]:
    """What is in the store already, by position in the chunk."""
    positions = [position for position, result in enumerate(results) if not result.created]
    pairs = [(operations[position].index, operations[position].id) for position in positions]
    return dict(zip(positions, store.read_back(pairs, _PLACE), strict=True)) if pairs else {}


def _tallies(
    lines: Sequence[Line], results: Sequence[ItemResult], existing: dict[int, Versioned | None], stamp: str
) -> list[Tally]:
    tallies: dict[int, Tally] = {}
    for position, (line, result) in enumerate(zip(lines, results, strict=True)):
        tally = tallies.get(id(line.book)) or tallies.setdefault(id(line.book), Tally(line.book))
        here = ours = result.created
        if not here:
            document = existing[position]
            here = document is not None and _same_place(document.source, line)
            # Written a moment ago by this very request, whose answer was lost on the way.
            ours = here and document is not None and document.source["event"]["ingested"] == stamp
        _add(tally.counts, line, here)
        _add(tally.run, line, ours)
    return list(tallies.values())


def _same_place(source: dict[str, Any], line: Line) -> bool:
    log = source.get("log", {})
    return bool(log.get("file") == line.book.log and log.get("offset") == line.offset)


def _add(counts: Counts, line: Line, first_sighting: bool) -> None:
    counts.lines += 1
    if not first_sighting:
        counts.duplicate += 1
    elif line.reject is None:
        counts.indexed += 1
    else:
        counts.rejected += 1
        reason = line.reject.reason.value
        counts.reasons[reason] = counts.reasons.get(reason, 0) + 1
