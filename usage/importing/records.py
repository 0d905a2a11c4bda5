"""Calls, SMS and data sessions from CSV: checked line by line, stored chunk by chunk while the next chunk is read."""

from __future__ import annotations

import csv
import difflib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from contracts.errors import UserError
from contracts.ids import keyed_hash
from mediation.intake import rare_collections
from usage.books import Counts, Load
from usage.engine import UsageStore
from usage.importing.chunks import Chunk, ChunkReader
from usage.records import local
from usage.records.batch import Batch, customers_of, taker
from usage.records.check import Refusal, Terms, check, key_of
from usage.records.customers import Directory
from usage.records.kinds import KINDS, Kind, Row
from usage.records.quick import quick

ORIGIN = "csv"
SHOWN = 20  # refusals that a report repeats
_AHEAD = 2  # chunks that may wait for the database
_REASON = ("busyhour_line", "busyhour_reason", "busyhour_field", "busyhour_detail")


class BadLine(NamedTuple):
    """A refused line: physical number of its last line, and why."""

    line: int
    refusal: Refusal


@dataclass(slots=True)
class ImportReport:
    """read = inserted + present + rejected; `reasons`: rejected by reason; `bad`: the first of them."""

    source: str
    kind: str
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        shown = [{"line": each.line, **each.refusal._asdict()} for each in self.bad]
        figures = {**self.counts._asdict(), "reasons": dict(self.reasons), "refused": shown}
        return {"source": self.source, "kind": self.kind, **figures, "seconds": round(self.seconds, 3)}


Progress = Callable[[int], None]


def import_records(
    store: UsageStore,
    path: Path,
    kind: str,
    *,
    zone: ZoneInfo,
    key: bytes,
    rejects: Path | None = None,
    progress: Progress = lambda lines: None,
) -> ImportReport:
    """Imports a CSV file with a header of the kind's own column names (docs/usage.md). Importing it again stores nothing twice.

    `rejects`: refused lines go there, with the reason, as CSV that can be mended and imported. Raises UserError when the file
    cannot be read or its header does not fit.
    """
    began = time.monotonic()
    report = ImportReport(str(path), kind)
    try:
        with path.open("rb") as file:
            reader = ChunkReader(file, str(path))
            header = _header(reader, KINDS[kind], path)
            with _Rejects(rejects, header) as refused, rare_collections():
                _Importer(store, report, header, zone, key, refused).run(reader, progress)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    report.seconds = time.monotonic() - began
    return report


def _header(reader: ChunkReader, kind: Kind, path: Path) -> list[str]:
    try:
        names = [name.strip().lower() for name in reader.header()]
    except csv.Error as error:
        raise UserError(f"is no CSV: {error}", where=str(path)) from None
    known = {*kind.given, *_REASON}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, kind.given, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            what = f"unknown column {name[:40]!r}{hint}"
            raise UserError(what, where=f"{path}:1", remedy=f"columns are {', '.join(kind.given)}")
    missing = [name for name in kind.needed if name not in names]
    if "customer" not in names and "msisdn" not in names:
        missing.append("customer or msisdn")
    if missing or len(set(names)) < len(names):
        what = f"column {missing[0]} is missing" if missing else "a column is there twice"
        raise UserError(what, where=f"{path}:1", remedy=f"columns are {', '.join(kind.given)}")
    return names


class _Importer:
    """One run over one file."""

    def __init__(
        self, store: UsageStore, report: ImportReport, header: list[str], zone: ZoneInfo, key: bytes, refused: _Rejects
    ) -> None:
        self._report, self._header, self._refused, self._key = report, header, refused, key
        self._directory = Directory(store, key)
        self._terms = Terms(store.clock(), zone, ORIGIN, self._directory.plan_of, self._directory.owner)
        self._quick = quick(report.kind, header, self._terms)
        # Columns pay where the database takes them as they are.
        self._take = None if store.is_sqlite else taker(report.kind, header, self._terms)
        self._load = Load(store, report.source, report.kind)

    def run(self, reader: ChunkReader, progress: Progress) -> None:
        """Reads and checks here, writes in a thread of its own: the database works while Python does."""
        waiting: list[Future[None]] = []
        read = 0
        with ThreadPoolExecutor(max_workers=1) as writer:
            try:
                for chunk in reader.chunks(self._header, columnar=self._take is not None):
                    rows, rejected = self._judged(chunk)
                    while len(waiting) >= _AHEAD:
                        waiting.pop(0).result()
                    waiting.append(writer.submit(self._load.put, rows, rejected))
                    read += len(rows) + rejected
                    progress(read)
                for each in waiting:
                    each.result()
            finally:
                for each in waiting:
                    each.cancel()
        self._report.counts = self._load.close()

    def _judged(self, chunk: Chunk) -> tuple[list[Row] | Batch, int]:
        """Rows of a chunk, in its order, and how many of its lines were refused."""
        given, places = chunk.columns(self._header) if self._take is not None else (None, ())
        if self._take is None or given is None or len(places) < local.LEAST_ROWS:
            found, rejected = self._one_by_one(chunk, range(chunk.size))
            return [row for _, row in found], rejected
        self._directory.learn(customers_of(given))
        batch = self._take(given)
        batch.places = [places[at] for at in batch.places]
        taken = set(batch.places)
        rest = [at for at in range(chunk.size) if at not in taken] if len(taken) < chunk.size else []
        batch.extra, rejected = self._one_by_one(chunk, rest)
        batch.prepare()
        return batch, rejected

    def _one_by_one(self, chunk: Chunk, places: Sequence[int]) -> tuple[list[tuple[int, Row]], int]:
        """(place, row) of those lines that are taken, and how many were refused."""
        width, quick_way = len(self._header), self._quick
        rows: list[tuple[int, Row]] = []
        rejected, lines = 0, chunk.cells(places)
        self._learn([cells for cells in lines if len(cells) == width])
        for place, cells in zip(places, lines, strict=True):
            if not cells and place not in chunk.errors:
                continue  # an empty line is no line
            row = quick_way(cells) if quick_way is not None and len(cells) == width else None
            judged = row or self._judge(cells, chunk.errors.get(place))
            if isinstance(judged, Refusal):
                self._refuse(chunk.numbers[place], cells, judged)
                rejected += 1
            else:
                rows.append((place, judged))
        return rows, rejected

    def _judge(self, cells: list[str], error: str | None) -> Row | Refusal:
        if error is not None:
            return Refusal("bad_line", "", error)
        if len(cells) != len(self._header):
            return Refusal("bad_line", "", f"{len(cells)} cells, not {len(self._header)}")
        return check(self._report.kind, dict(zip(self._header, cells, strict=True)), self._terms)

    def _learn(self, lines: Sequence[list[str]]) -> None:
        """Looks up the customers of a chunk at once."""
        names = self._header
        ids: set[str] = set()
        if "customer" in names:
            place = names.index("customer")
            ids = {cells[place].strip() for cells in lines}
        keys: set[str] = set()
        if "msisdn" in names:
            keys = {
                keyed_hash(self._key, each) for cells in lines for each in key_of(dict(zip(names, cells, strict=True)))
            }
        self._directory.learn(ids, keys)

    def _refuse(self, number: int, cells: list[str], refusal: Refusal) -> None:
        self._report.reasons[refusal.reason] += 1
        if len(self._report.bad) < SHOWN:
            self._report.bad.append(BadLine(number, refusal))
        self._refused.write(number, cells, refusal)


class _Rejects:
    """Refused lines in a file of their own; nothing where no file is wanted. The file appears whole or not at all."""

    def __init__(self, path: Path | None, header: list[str]) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.part") if path else None
        self._names = [name for name in header if name not in _REASON]
        self._kept = [at for at, name in enumerate(header) if name not in _REASON]
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> _Rejects:
        if self._aside is not None:
            self._file = self._aside.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow([*self._names, *_REASON])
        return self

    def write(self, number: int, cells: list[str], refusal: Refusal) -> None:
        if self._writer is not None:
            kept = [cells[at] if at < len(cells) else "" for at in self._kept]
            self._writer.writerow([*kept, number, *refusal])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is None or self._aside is None or self._path is None:
            return
        self._file.close()
        if kind is None:
            self._aside.replace(self._path)
        else:
            self._aside.unlink(missing_ok=True)
