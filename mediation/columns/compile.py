"""A layout made ready to read many lines at once: region → the texts of bulk operations.

`mediation.compile` writes the function line → document that defines what a layout means. This is the same for a region of some
hundred lines and more: cells become Arrow columns, what repeats is worked out once by the same functions, and the document is
put together as text. A row in which anything is odd (a refusal, a time in another form, quotes) is not taken: the caller gives
such lines to the other function. Tests hold the two together (`tests/mediation/test_columns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import ids
from infrastructure.texts import NONE, Run
from mediation.columns.conditions import holds
from mediation.columns.cut import Cut, cut
from mediation.columns.derive import derive
from mediation.columns.document import documents, rows
from mediation.columns.frame import Frame
from mediation.columns.times import moments
from mediation.columns.values import (
    Arrow,
    Coded,
    Indices,
    Merged,
    Moment,
    Space,
    Text,
    Value,
    Whole,
    edges,
    joined,
    packed,
    slices,
    where,
)
from mediation.compile import ECS_VERSION, Pace, remembered, time_reader
from mediation.enrich import expressions
from mediation.enrich.numbers import NOWHERE
from mediation.layout import Column, Layout
from mediation.values import Memo, converter

MANY = 200  # lines of a region from which on this way is the faster one
Heads = Mapping[str, Mapping[str, str]]  # service → day → the first line of an operation up to its id
# Fields that take few values in any one network, so that what follows from a combination of them is worth remembering.
_FEW_WORDS = frozenset(
    {
        "voip.codec",
        "voip.ingress.sbc",
        "voip.egress.sbc",
        "voip.trunk_group.originating",
        "voip.trunk_group.terminating",
        "mobile.call_type",
        "subscriber.plan",
        "peer.type",
        "sms.smsc",
        "epc.apn",
        "epc.rat",
        "epc.pgw",
        "epc.plan",
        "cdr.node",
    }
)
_FEW_NUMBERS = 1_000
_MOST_DIGITS = 18  # that surely fit a long
_DIGITS = rf"^[0-9]{{1,{_MOST_DIGITS}}}$"
_NO_FRACTION = r"\.0{1,6}$"


@dataclass(slots=True)
class Taken:
    """`lines` of the region; `texts`: operations made of some of them, `positions` among the lines and `offsets` in the file of
    each; `others`: position and offset of each line that was not taken. `first`, `last`: earliest and latest record time.
    """

    lines: Sequence[bytes]
    others: list[tuple[int, int]] = field(default_factory=list)
    texts: Run = NONE
    positions: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    offsets: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    first: str = ""
    last: str = ""


def compile_columns(
    layout: Layout, key: bytes, *, header: Sequence[str] | None = None, pace: Pace | None = None
) -> Columns | None:
    """None for a layout whose lines cannot be cut at the separator alone. Arguments as of `compile_layout`."""
    if not layout.inlined or layout.separator == "\t" or layout.encoding != "utf-8" or len(layout.columns) < 2:
        return None
    return Columns(layout, key, list(header or layout.header), pace)


class Columns:
    """One layout, for files with one header. `take` is pure but for what it remembers."""

    def __init__(self, layout: Layout, key: bytes, header: list[str], pace: Pace | None) -> None:
        self.layout = layout
        self._order = [header.index(column.name) for column in layout.columns]
        self._convert = [_converter(column, key) for column in layout.columns]
        self._few = {index for index, column in enumerate(layout.columns) if _few(column)}
        self._raws = {column.raw: index for index, column in enumerate(layout.columns)}
        self._times = [Memo(time_reader(time, layout.timezone, pace)) for time in layout.times]
        self._plans = [expressions.plan(number) for number in layout.numbers]
        self._functions = expressions.names()
        self._identity = self._template()
        self._only = {column.field: column.only for column in layout.columns if column.field}
        self._only |= {time.field: time.only for time in layout.times}

    def take(self, region: bytes, offset: int, *, log: str, stamp: str, latest: str, heads: Heads) -> Taken:
        """`region`: whole lines as `mediation.collect.regions` gives them, at `offset` in the file.

        `log`, `stamp`: as `mediation.books.Book.log_text` and `event.ingested` of the documents; a record time later than
        `latest` is not taken.
        """
        found = cut(region, self.layout.separator, len(self._order), strip=self.layout.strip)
        if not found.plain.size:
            return _not_taken(found, np.arange(len(found.lines)), offset)
        frame = Frame([found.cells[at] for at in self._order], found.plain.size)
        for step in (self._columns, self._service, self._moments, self._constants, self._numbers, self._derived):
            step(frame)
        moment = _moment(frame.fields["@timestamp"])
        frame.mark(pc.greater(moment.words, latest).fill_null(True).to_numpy(zero_copy_only=False))
        flags = self._flags(frame)
        if frame.odd.all():
            return _not_taken(found, np.arange(len(found.lines)), offset)
        texts = rows(
            [*self._actions(frame, moment, heads), *self._document(frame, flags, offset, found, log, stamp), "\n"]
        )
        return _kept(found, frame, texts, moment, offset)

    # Steps, in the order that mediation.layout names

    def _columns(self, frame: Frame) -> None:
        for index, column in enumerate(self.layout.columns):
            if column.required:
                frame.mark(_empty(frame.cells[index]))
            value = self._value(frame, index, column)
            if column.field and column.pii != "drop":
                frame.fields[column.field] = value

    def _value(self, frame: Frame, index: int, column: Column) -> Value:
        convert = self._convert[index]
        if convert is not None and not remembered(column):
            return _whole(frame, frame.cells[index], column)
        if convert is not None:
            return frame.applied(convert, [frame.words(index)])
        if index in self._few:
            words = frame.words(index)
            return Coded(words.space, [word or None for word in words.values])
        absent = _empty(frame.cells[index])
        there = None if column.required or not absent.any() else ~absent
        return Text(frame.cells[index] if there is None else where(there, frame.cells[index]), there)

    def _service(self, frame: Frame) -> None:
        targets = self.layout.targets
        if not targets[0].when:
            frame.service = frame.constant(targets[0].service)
            return
        chosen, left = np.zeros(frame.rows, np.int64), np.ones(frame.rows, bool)
        for place, target in enumerate(targets):
            mask = left & holds(frame, target.when)
            chosen[mask] = place
            left &= ~mask
        frame.mark(left)
        frame.service = Coded(_space(chosen, len(targets)), [target.service for target in targets])

    def _moments(self, frame: Frame) -> None:
        for time, read in zip(self.layout.times, self._times, strict=True):
            cells = [frame.cells[self._raws[raw]] for raw in (time.columns or (time.paced_by,))]
            frame.fields[time.field] = moments(frame, time, cells, read)

    def _constants(self, frame: Frame) -> None:
        for name, constant in self.layout.constants.items():
            value: Value = frame.constant(constant)
            existing = frame.fields.get(name)
            if existing is not None:
                value = Merged(~frame.present(existing), value, existing)
            frame.fields[name] = value

    def _numbers(self, frame: Frame) -> None:
        for number, plan in zip(self.layout.numbers, self._plans, strict=True):
            words = frame.words(self._raws[number.column])
            places = [plan[word] if word else NOWHERE for word in words.values]
            for name, target in number.fields.items():
                frame.fields[target] = Coded(words.space, [getattr(place, name) for place in places])

    def _derived(self, frame: Frame) -> None:
        for derived in self.layout.derived:
            derive(frame, derived, self._functions)

    def _flags(self, frame: Frame) -> Value | None:
        """`cdr.flags`: of all combinations that occur, each written once."""
        names = list(dict.fromkeys(flag.name for flag in self.layout.flags))
        bits = np.zeros(frame.rows, np.int64)
        for flag in self.layout.flags:
            bits |= holds(frame, flag.when).astype(np.int64) << names.index(flag.name)
        if not bits.any():
            return None
        distinct, place = np.unique(bits, return_inverse=True)
        lists = [[name for at, name in enumerate(names) if each >> at & 1] or None for each in distinct.tolist()]
        return Coded(_space(place, len(lists)), lists)

    # The text of the operations

    def _actions(self, frame: Frame, moment: Moment, heads: Heads) -> list[Any]:
        """The first line of each operation, and the line feed behind it."""
        words = moment.words if moment.mask is None else moment.words.fill_null("")
        days = Text(pc.utf8_slice_codeunits(words, 0, 10), None)
        head = frame.applied(lambda service, day: heads[service][day] if day else "", [frame.service, days])
        return [head.texts(head.values), self._keys(frame), '"}}\n']

    def _keys(self, frame: Frame) -> Arrow:
        parts = [frame.cells[part] if isinstance(part, int) else pa.scalar(part) for part in self._identity]
        octets = ids.ID_LENGTH // 2
        digests = b"".join([sha256(text).digest()[:octets] for text in slices(joined(*parts))])
        edges = np.arange(frame.rows + 1, dtype=np.int32) * ids.ID_LENGTH
        return pa.StringArray.from_buffers(frame.rows, pa.py_buffer(edges), pa.py_buffer(digests.hex().encode()))

    def _template(self) -> list[str | int]:
        """The text of `contracts.ids.concatenated` in pieces: texts, and positions of cells."""
        named = {f"[raw][{raw}]": f"\0{self._raws[raw]}\0" for raw in self.layout.identity}
        pieces = re.split("\0([0-9]+)\0", ids.concatenated({"[cdr][layout]": self.layout.name, **named}))
        return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)]

    def _document(self, frame: Frame, flags: Value | None, offset: int, found: Cut, log: str, stamp: str) -> list[Any]:
        service = frame.service
        fields: dict[str, Value] = {
            "ecs.version": frame.constant(ECS_VERSION),
            "event.kind": frame.constant("event"),
            "event.dataset": Coded(service.space, [f"busyhour.{name}" for name in service.values]),
            "event.ingested": frame.constant(stamp),
            "service.name": service,
            "cdr.layout": frame.constant(self.layout.name),
        }
        if flags is not None:
            fields["cdr.flags"] = flags
        for name, value in frame.fields.items():
            if name not in self.layout.locals:
                only = self._only.get(name)
                inside = service.spread([each in only for each in service.values], bool) if only else None
                fields[name] = value if inside is None else value.restricted(inside)
        offsets = pa.array(found.starts[found.plain] + offset).cast(pa.string())
        return documents(fields, [log, offsets, "}"])


def _not_taken(found: Cut, positions: Any, offset: int) -> Taken:
    offsets = (found.starts[positions] + offset).tolist()
    return Taken(found.lines, list(zip(positions.tolist(), offsets, strict=True)))


def _kept(found: Cut, frame: Frame, texts: Arrow, moment: Moment, offset: int) -> Taken:
    """The rows in which nothing is odd."""
    good = np.flatnonzero(~frame.odd)
    positions, words = found.plain[good], moment.words
    if good.size < frame.rows:
        words, texts = words.take(pa.array(good)), texts.take(pa.array(good))
    others = np.ones(len(found.lines), bool)
    others[positions] = False
    taken = _not_taken(found, np.flatnonzero(others), offset)
    taken.texts, taken.positions = Run(packed(texts), edges(texts)), positions
    taken.offsets = found.starts[positions] + offset
    span = pc.min_max(words).as_py()
    taken.first, taken.last = span["min"], span["max"]
    return taken


def _moment(value: Value) -> Moment:
    """Record times, however they were put together."""
    if isinstance(value, Moment):
        return value
    coded = value.coded()
    return Moment(coded.texts(coded.values), coded.mask)


def _space(place: Any, size: int) -> Space:
    return Space(place.astype(np.int64), size)


def _empty(cells: Arrow) -> Any:
    return pc.equal(cells, "").to_numpy(zero_copy_only=False)


def _converter(column: Column, key: bytes) -> Callable[[Any], Any] | None:
    """cell → value, remembered; nothing for an empty cell."""
    convert = converter(column, key)
    if convert is None:
        return None
    return Memo(lambda cell: convert(cell) if cell else None, remembered(column) or 1).__getitem__


def _whole(frame: Frame, cells: Arrow, column: Column) -> Whole:
    """Digits, with zeros behind a point or without; what else may be a number goes the other way."""
    there = ~_empty(cells)
    if not _all_digits(cells):
        cells = pc.replace_substring_regex(cells, _NO_FRACTION, "")
        digits = pc.match_substring_regex(cells, _DIGITS).to_numpy(zero_copy_only=False)
        frame.mark(there & ~digits)
        there &= digits
    integers = where(there, cells).cast(pa.int64()).fill_null(0).to_numpy()
    if column.low is not None:
        frame.mark(there & (integers < column.low))
    if column.high is not None:
        frame.mark(there & (integers > column.high))
    return Whole(integers, None if there.all() else there)


def _all_digits(cells: Arrow) -> bool:
    octets = np.frombuffer(packed(cells), np.uint8) - np.uint8(ord("0"))
    return bool((octets <= 9).all()) and bool(pc.max(pc.binary_length(cells)).as_py() <= _MOST_DIGITS)


def _few(column: Column) -> bool:
    """Whether the column takes few values, so that combinations of them are worth working out."""
    if column.pii != "keep" or not column.field:
        return False
    if column.type == "integer":
        return column.low is not None and column.high is not None and column.high - column.low < _FEW_NUMBERS
    return column.type == "keyword" and (column.values is not None or column.field in _FEW_WORDS)
