"""Files to columns of text: records as a layout reads them, or a plain CSV with a header where no layout fits.

A side too large to hold is sampled, each row with the same chance, always by the same seed; times are counted of every row.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from contracts.errors import UserError
from contracts.outcomes import Reject
from mediation.collect import LongLine, find_files
from mediation.containers import Damaged
from mediation.formats import cells_reader, records
from mediation.layout import Layout
from mediation.lines import no_data, without_end
from mediation.sniff import BOM, Source, inspect
from mediation.times import reader
from mediation.values import Memo

MOST_ROWS = 50_000  # held of a side: what is beyond changes the third digit of a score
_SEED = 20_261_116
_MOST_LINE = 2**20
_MOST_COLUMNS = 500
_SLOT = {str(digit): "05"[digit // 5] for digit in range(10)}
_ISO = ("ISO8601", "yyyy-MM-dd HH:mm:ss")

Row = Sequence[str]


@dataclass(slots=True)
class Side:
    """What was read. `columns`: name → a text a row, "" where there is none, of the `kept` rows of all `rows`.

    `slots`: UTC time to five minutes (`2026-11-02T10:05`) → rows; empty where records carry no time. `skipped`: file → why not.
    """

    what: str
    files: int = 0
    rows: int = 0
    unreadable: int = 0
    layouts: dict[str, Layout] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    slots: Counter[str] = field(default_factory=Counter)
    timeless: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def services(self) -> set[str]:
        return {service for layout in self.layouts.values() for service in layout.services}


def read_side(
    what: str,
    paths: Sequence[Path],
    layouts: Mapping[str, Layout],
    *,
    wanted: str | None = None,
    like: Side | None = None,
    most: int = MOST_ROWS,
) -> Side:
    """Reads files and folders as one side, `what` in messages. `like`: files of other services than its are skipped.

    Raises UserError when there is nothing to read, when it is of several services, or when nothing in it is a record.
    """
    sources, side = _sources(what, paths, layouts, wanted, like)
    sample = _Sample(most)
    for source in sources:
        _read(source, side, sample)
    rows = sample.in_order()
    if not rows:
        where = ", ".join(map(str, paths))
        raise UserError(f"{what} holds no record", where=where, remedy="give a file with a header and rows")
    for name in sample.names:
        side.columns[name] = [row.get(name, "") for row in rows]
    side.rows = sample.seen
    return side


class _Sample:
    """Keeps `most` of any number of rows, each with the same chance (Li's algorithm L, ACM TOMS 20, 1994)."""

    def __init__(self, most: int) -> None:
        self.most, self.seen = most, 0
        self.names: dict[str, None] = {}
        self._rows: list[tuple[int, dict[str, str]]] = []
        self._random = Random(_SEED)
        self._weight, self._next = 1.0, -1

    def wants(self) -> int:
        """Counts a row; where it goes, or -1: it is not kept."""
        self.seen += 1
        if self.seen <= self.most:
            if self.seen == self.most:
                self._skip()
            return self.seen - 1
        if self.seen - 1 < self._next:
            return -1
        self._skip()
        return self._random.randrange(self.most)

    def keep(self, place: int, row: dict[str, str]) -> None:
        self.names |= dict.fromkeys(row)
        entry = (self.seen, row)
        if place < len(self._rows):
            self._rows[place] = entry
        else:
            self._rows.append(entry)

    def in_order(self) -> list[dict[str, str]]:
        return [row for _, row in sorted(self._rows, key=lambda entry: entry[0])]

    def _skip(self) -> None:
        self._weight *= math.exp(math.log(self._random.random() or 1e-300) / self.most)
        ahead = math.log(self._random.random() or 1e-300) / math.log1p(-self._weight) if self._weight < 1 else 0.0
        self._next = self.seen + int(min(ahead, 1e18))


# Which files


def _sources(
    what: str, paths: Sequence[Path], layouts: Mapping[str, Layout], wanted: str | None, like: Side | None
) -> tuple[list[Source], Side]:
    found, errors = find_files(paths)
    if errors:
        raise errors[0]
    if not found:
        raise UserError(f"{what} has no files", where=", ".join(map(str, paths)), remedy="give files of records")
    side, sources, strange = Side(what), [], {}
    for path in found:
        try:
            source = inspect(path, layouts, wanted)
        except UserError as error:
            strange[path] = error
            continue
        if source.layout is None:
            side.skipped[str(path)] = "is empty"
        else:
            sources.append(source)
    if sources:
        side.skipped |= {str(path): error.what for path, error in strange.items()}
        sources = _of_one_service(what, sources, side, like)
        side.layouts = {source.layout.name: source.layout for source in sources if source.layout}
    elif strange and wanted is None:
        sources = [_plain(path, error) for path, error in strange.items()]
    elif strange:
        raise next(iter(strange.values()))
    if not sources:
        raise UserError(f"{what} is empty", where=", ".join(map(str, paths)), remedy="give files with records")
    side.files = len(sources)
    return sources, side


def _of_one_service(what: str, sources: list[Source], side: Side, like: Side | None) -> list[Source]:
    kinds = {source.layout.name: set(source.layout.services) for source in sources if source.layout}
    if like is not None and like.layouts:
        strangers = {name for name, services in kinds.items() if not services & like.services}
        if len(strangers) < len(kinds):
            for source in sources:
                if source.layout and source.layout.name in strangers:
                    side.skipped[str(source.path)] = f"is of layout {source.layout.name}"
            return [source for source in sources if source.layout and source.layout.name not in strangers]
    if len(kinds) > 1 and not set.intersection(*kinds.values()):
        raise UserError(
            f"{what} holds records of several services: layouts {', '.join(sorted(kinds))}",
            remedy="give files of one, or name the layout with --layout",
        )
    return sources


def _plain(path: Path, error: UserError) -> Source:
    """A file that no layout fits, as a CSV with a header; raises `error`, what the layouts said, where it is none."""
    if "binary" in error.what or "cannot be read" in error.what or "not a regular file" in error.what:
        raise error
    source = Source(path, -1, "")
    with source.open() as stream:
        head = stream.read(65_536)
    try:
        text = head.removeprefix(BOM).decode("utf-8", errors="strict" if len(head) < 65_536 else "ignore")
    except UnicodeDecodeError:
        raise error from None
    first = text.partition("\n")[0].rstrip("\r")
    header = next(csv.reader(io.StringIO(first), delimiter=_separator(first)), [])
    if "\0" in text or not header or len(header) > _MOST_COLUMNS or len(set(header)) < len(header):
        raise error
    return Source(path, -1, "", None, tuple(name.strip() for name in header), first.encode())


def _separator(first: str) -> str:
    return max(",;\t|", key=first.count)


# Their rows


def _read(source: Source, side: Side, sample: _Sample) -> None:
    try:
        if source.layout is None:
            _read_plain(source, side, sample)
        else:
            _read_records(source, source.layout, side, sample)
    except Damaged as damage:
        raise UserError(str(damage.strerror), where=str(source.path), remedy="give the whole file") from damage


def _read_records(source: Source, layout: Layout, side: Side, sample: _Sample) -> None:
    cells_of, skipped = cells_reader(layout, source.header or None), no_data(source.header_line)
    names, slot_of = [column.raw for column in layout.columns], _slot_reader(layout)
    with source.open() as stream:
        for _, _, found in records(layout, stream, _MOST_LINE):
            raw = without_end(found)
            if raw in skipped:
                continue
            cells = None if isinstance(raw, LongLine) else cells_of(raw if layout.binary else _text(raw))
            if cells is None or isinstance(cells, Reject):
                side.unreadable += 1
                continue
            _count_time(slot_of(cells), side)
            place = sample.wants()
            if place >= 0:
                sample.keep(place, dict(zip(names, cells, strict=True)))


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _slot_reader(layout: Layout) -> Callable[[Row], str]:
    """A function cells → their slot; "" where there is no time. Of several times, the one that `@timestamp` is copied from."""
    stamped = next((each.sources[0] for each in layout.derived if each.field == "@timestamp" and each.sources), "")
    times = [time for time in layout.times if time.columns]
    time = next((each for each in times if each.field in (stamped, "@timestamp")), times[0] if times else None)
    if time is None:
        return lambda cells: ""
    places = [next(i for i, column in enumerate(layout.columns) if column.raw == raw) for raw in time.columns]
    known = Memo(_slots(time.formats, layout.timezone))
    if len(places) == 1:
        (place,) = places
        return lambda cells: str(known[cells[place]])
    return lambda cells: str(known[" ".join(cells[place] for place in places)])


def _slots(formats: tuple[str, ...], zone: str) -> Callable[[str], str]:
    read = reader(formats, zone)

    def slot(text: str) -> str:
        stored = read(text)
        return "" if stored is None else stored[:15] + _SLOT[stored[15]]

    return slot


def _count_time(slot: str, side: Side) -> None:
    if slot:
        side.slots[slot] += 1
    else:
        side.timeless += 1


def _read_plain(source: Source, side: Side, sample: _Sample) -> None:
    """A CSV that no layout describes: quoting as in RFC 4180, the first column that is all ISO 8601 times is its time."""
    names, slot_of = list(source.header), _slots(_ISO, "UTC")
    time = -1
    with source.open() as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        rows = _rows(text, _separator(source.header_line.decode()), source)
        next(rows, None)
        for number, row in enumerate(rows):
            if len(row) != len(names):
                side.unreadable += bool(row)
                continue
            cells = [cell.strip() for cell in row]
            if number == 0:
                time = next((index for index, cell in enumerate(cells) if slot_of(cell)), -1)
            _count_time(slot_of(cells[time]) if time >= 0 else "", side)
            place = sample.wants()
            if place >= 0:
                sample.keep(place, dict(zip(names, cells, strict=True)))


def _rows(text: Any, separator: str, source: Source) -> Iterator[list[str]]:
    rows = csv.reader(text, delimiter=separator)
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"is no CSV: {error}, line {rows.line_num}", where=str(source.path)) from error
