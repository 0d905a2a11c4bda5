"""Settling: a chunk is written, and each of its lines gets its outcome from what the store answered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from contracts.clock import iso, parse_iso
from contracts.ids import ID_LENGTH
from contracts.indices import concrete
from contracts.outcomes import Counts, Reason, Reject
from infrastructure.bulk import CREATED, encoded, target
from infrastructure.store import ItemResult, Operation, Store, Versioned
from infrastructure.texts import Run, Texts
from mediation.books import Book
from mediation.collect import KEPT_BYTES, LongLine
from mediation.enrich.privacy import KEEP_ALL, RejectPrivacy, reject_privacy

_PLACE = ("log", "event.ingested")
_RAW_CHARACTERS = 8192
_FRESH = timedelta(seconds=20)  # less than the roll-up's clock allowance


class Line(NamedTuple):
    """Where a line came from. `reject` None: it became a record."""

    book: Book
    offset: int
    number: int
    raw: bytes
    reject: Reject | None


@dataclass(frozen=True, slots=True)
class Region:
    """Lines of one file that became records together: those at `positions` of `raws`, at `offsets`; `number` is of `raws[0]`."""

    book: Book
    number: int
    raws: Sequence[bytes]
    positions: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def part(self, start: int, end: int) -> Region:
        return replace(self, positions=self.positions[start:end], offsets=self.offsets[start:end])

    def lines(self) -> Iterator[Line]:
        for at, offset in zip(self.positions.tolist(), self.offsets.tolist(), strict=True):
            yield Line(self.book, offset, self.number + at, self.raws[at], None)


@dataclass(slots=True)
class Chunk:
    """Lines and their operations as text, same order, written as one bulk request; `stamp` is their event.ingested."""

    stamp: str
    entries: list[Line | Region] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    rejects: int = 0
    stamps: list[str] = field(default_factory=list)  # all that the texts have had

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, line: Line, text: bytes) -> None:
        self.entries.append(line)
        self.texts.append(text)
        self.rejects += line.reject is not None

    def add_region(self, region: Region, texts: Run) -> None:
        self.entries.append(region)
        self.texts.extend(texts)

    @property
    def lines(self) -> list[Line]:
        """One by one."""
        lines: list[Line] = []
        for entry in self.entries:
            lines.extend((entry,) if isinstance(entry, Line) else entry.lines())
        return lines

    def renew(self, now: datetime) -> None:
        """Stamps the texts anew when they have waited: a roll-up that has gone on meanwhile looks for late records by it."""
        if not self.stamps:
            self.stamps.append(self.stamp)
        if now - parse_iso(self.stamps[-1]) > _FRESH:
            stamp = iso(now)
            before, after = (f'"ingested":"{each}"'.encode() for each in (self.stamps[-1], stamp))
            self.texts.replace(before, after)
            self.stamps.append(stamp)


@dataclass(slots=True)
class Tally:
    """What a chunk adds to one file's books: see `Book`."""

    book: Book
    counts: Counts = field(default_factory=Counts)
    run: Counts = field(default_factory=Counts)


def reject_prefix(layout: str) -> bytes:
    """What the digest of a rejected line starts with; its id is `contracts.ids.joined((layout, raw line))`."""
    return layout.encode() + b"\x1f"


def reject_id(layout: str, raw: bytes) -> str:
    """Id of a suspended line."""
    if isinstance(raw, LongLine):
        return raw.digest
    return hashlib.sha256(reject_prefix(layout) + raw).hexdigest()[:ID_LENGTH]


def raw_text(raw: bytes, *, binary: bool) -> str:
    """How a suspended line is kept: its first 8,192 characters, of octets as many hexadecimal digits."""
    if binary:
        return raw[: _RAW_CHARACTERS // 2].hex()
    return raw[: 4 * KEPT_BYTES].decode(errors="replace")[:_RAW_CHARACTERS]


def reject_document(
    line: Line, reject: Reject, stamp: str, privacy: RejectPrivacy = KEEP_ALL
) -> tuple[str, dict[str, Any]]:
    """Id and document of a suspended line; `privacy` says what of the line is stored."""
    layout = line.book.source.layout
    name = layout.name if layout else ""
    raw = line.raw
    document: dict[str, Any] = {
        "event": {"ingested": stamp},
        "log": {"file": line.book.log, "offset": line.offset},
        "reject": {
            "reason": reject.reason.value,
            "detail": reject.detail,
            "state": "suspended",
            "raw": raw_text(raw, binary=layout is not None and layout.binary),
        },
    }
    if line.number:  # Filebeat sends none
        document["log"]["line"] = line.number
    if name:
        document["cdr"] = {"layout": name}
    if reject.column:
        document["reject"]["column"] = reject.column
    privacy.apply(document["reject"])
    if layout is not None and len(layout.services) == 1:
        document["service"] = {"name": layout.services[0]}
    return reject_id(name, raw), document


def reject_operation(line: Line, reject: Reject, stamp: str, privacy: RejectPrivacy) -> Operation:
    """Suspends a line: the first sighting wins, a second one is a duplicate."""
    key, document = reject_document(line, reject, stamp, privacy)
    return Operation("create", concrete("cdr-reject"), key, orjson.dumps(document))


def settle(store: Store, chunk: Chunk) -> list[Tally]:
    """Writes a chunk; every line of it ends as indexed, duplicate or rejected. Raises what the store raises."""
    results = store.bulk_texts(chunk.texts, lambda: chunk.renew(store.clock()))
    if not chunk.rejects and results.count(CREATED) == len(results):
        return _all_indexed(chunk)
    refused = [position for position, result in enumerate(results) if result.refused]
    lines, texts = chunk.lines, list(chunk.texts)
    if refused:
        privacy = reject_privacy(store.settings)
        for position in refused:
            reject = Reject(Reason.STORE_REFUSED, "", results[position].error)
            lines[position] = lines[position]._replace(reject=reject)
            texts[position] = encoded(reject_operation(lines[position], reject, chunk.stamps[-1], privacy))
        again = store.bulk_texts([texts[position] for position in refused])
        for position, result in zip(refused, again, strict=True):
            results[position] = result
    return _tallies(lines, results, _existing(store, texts, results), chunk.stamps)


def _all_indexed(chunk: Chunk) -> list[Tally]:
    """The usual case: every line is a record that was not there."""
    books = {id(entry.book): entry.book for entry in chunk.entries}
    if any(book.suspended is not None for book in books.values()):
        return _tallies(chunk.lines, [CREATED] * len(chunk), {}, ())
    counts: Counter[int] = Counter()
    for entry in chunk.entries:
        counts[id(entry.book)] += len(entry) if isinstance(entry, Region) else 1
    return [
        Tally(book, Counts(lines=counts[key], indexed=counts[key]), Counts(lines=counts[key], indexed=counts[key]))
        for key, book in books.items()
    ]


def _existing(store: Store, texts: Sequence[bytes], results: Sequence[ItemResult]) -> dict[int, Versioned | None]:
    """What is in the store already, by position in the chunk."""
    positions = [position for position, result in enumerate(results) if not result.created]
    pairs = [target(texts[position]) for position in positions]
    return dict(zip(positions, store.read_back(pairs, _PLACE), strict=True)) if pairs else {}


def _tallies(
    lines: Sequence[Line], results: Sequence[ItemResult], existing: dict[int, Versioned | None], stamps: Sequence[str]
) -> list[Tally]:
    tallies: dict[int, Tally] = {}
    for position, (line, result) in enumerate(zip(lines, results, strict=True)):
        tally = tallies.get(id(line.book)) or tallies.setdefault(id(line.book), Tally(line.book))
        here = ours = result.created
        if not here:
            document = existing[position]
            here = document is not None and _same_place(document.source, line)
            # Written a moment ago by this very request, whose answer was lost on the way.
            ours = here and document is not None and document.source["event"]["ingested"] in stamps
        if line.reject is None and line.book.suspended is not None and line.offset in line.book.suspended:
            tally.counts.lines += 1
            tally.counts.rejected += 1  # as delivered; its reason is in `book.moved`
        else:
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
