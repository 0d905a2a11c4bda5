"""Many usual lines at once, column by column: the third way of a line, a tenth of the time of `check`, and the same rows.

`taker` gives what takes the lines of a chunk; it says which it took. The others go the way of `quick` and `check`, which is the
definition; a test holds the three together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usage import schema
from usage.records import facts, local
from usage.records.check import AHEAD, EARLIEST, Terms
from usage.records.columns import Columns, ColumnSums, column_sums, text_lines
from usage.records.kinds import COLUMNS, KINDS, Row
from usage.records.quick import columns_known
from usage.schema import QUARTER_SEC

_STARTED = r"^\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?(Z|\+00:00)$"
_PEER = r"^\+?[0-9]{1,20}$"
_REF = r"^$|^[!-\[\]-~]([ -\[\]-~]{0,98}[!-\[\]-~])?$"  # printable ASCII without a backslash, no blank at an end
_SECONDS, _BYTES, _APN, _PARTS = r"^[0-9]{1,6}$", r"^[0-9]{1,15}$", r"^[A-Za-z0-9]{1,100}$", r"^[0-9]{1,3}$"
_NOT_PLAIN = re.compile(r"[\\\t\n]").search
Taker = Callable[[Columns], "Batch"]


@dataclass
class Batch:
    """Checked rows of one kind. `places`: at which place of its chunk each stood; `extra`: (place, row) of other ways.

    Columns are worked out outside of Python's lock, so that a thread which talks to the database goes on meanwhile.
    """

    kind: str
    columns: Columns
    places: list[int]
    extra: list[tuple[int, Row]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places) + len(self.extra)

    def prepare(self) -> None:
        """Works out now what a database is given, in the caller's thread, not in the one that waits for the database."""
        if self.distinct:
            self.lines, self.sums  # noqa: B018 - kept from now on

    @cached_property
    def distinct(self) -> bool:
        """Whether no record is there twice."""
        others = pa.array([row[0] for _, row in self.extra], pa.string())
        return bool(pc.count_distinct(pa.chunked_array([self.columns["id"], others])).as_py() == len(self))

    @cached_property
    def lines(self) -> bytes:
        """For LOAD DATA, as `local.record_lines` writes them."""
        write = local.record_lines(self.kind)
        names = COLUMNS[self.kind]
        ref = self.columns["ref"]
        cells = {name: self.columns[name] for name in names} | {"ref": pc.if_else(pc.equal(ref, ""), "\\N", ref)}
        return text_lines([cells[name] for name in names]) + "".join(write(row) for _, row in self.extra).encode()

    @cached_property
    def sums(self) -> ColumnSums:
        """As `facts.sums` of the rows."""
        return column_sums(self.kind, self.columns, facts.sums(self.kind, [row for _, row in self.extra]))

    def rows(self) -> list[Row]:
        """The same as tuples, in the order of the chunk."""
        names = COLUMNS[self.kind]
        values = [_values(self.columns[name], name) for name in names]
        taken = zip(self.places, zip(*values, strict=True), strict=True)
        return [row for _, row in sorted([*taken, *self.extra], key=lambda each: each[0])]


def taker(kind: str, header: Sequence[str], terms: Terms) -> Taker | None:
    """What takes the cells of a chunk, by column; None for files with unusual columns."""
    return partial(_taken, kind, terms) if columns_known(kind, header) else None


def columns_of(header: Sequence[str], lines: Sequence[Sequence[str]]) -> Columns | None:
    """Cells of lines, all as wide as the header, by column; None where one holds bytes that are no text."""
    try:
        columns = zip(*lines, strict=True) if lines else [()] * len(header)
        return {name: pa.array(cells, pa.string()) for name, cells in zip(header, columns, strict=True)}
    except UnicodeEncodeError:
        return None


def customers_of(given: Columns) -> list[str]:
    """Whom these lines name, each once."""
    found: list[str] = pc.unique(given["customer"]).to_pylist()
    return found


def _taken(kind: str, terms: Terms, given: Columns) -> Batch:
    count, special = len(given["started"]), _SPECIAL[kind]
    absent = pa.array([""] * count, pa.string())
    cells = {name: given.get(name, absent) for name in KINDS[kind].given}
    plan = _plans(cells["customer"], terms)
    zone = pc.if_else(pc.equal(cells["zone"], ""), "national", cells["zone"])
    usual = pc.and_(pc.is_valid(plan), _matches(cells["started"], _STARTED))
    usual = pc.and_(usual, pc.and_(_among(zone, schema.ZONES), _matches(cells["ref"], _REF)))
    usual = pc.and_(pc.and_(usual, special.usual(cells)), _day_exists(cells["started"]))
    whole = pa.table({**cells, "plan": plan, "zone": zone, "place": pa.array(range(count), pa.int64())}).filter(usual)
    time = _time(whole["started"].combine_chunks())
    at = pc.cast(pc.cast(time, pa.timestamp("ms")), pa.int64())
    made = special.made(whole)
    latest = int((terms.now + AHEAD).timestamp() * 1000)
    fits = pc.and_(
        pc.and_(pc.greater_equal(at, int(EARLIEST.timestamp() * 1000)), pc.less_equal(at, latest)), made.pop("fits")
    )
    names = {"customer_id": "customer", "plan": "plan", "zone": "zone", "ref": "ref", "place": "place"}
    columns = {name: whole[of] for name, of in names.items()} | {"started": time, "at": at} | made
    table = pa.table(columns).filter(fits).combine_chunks()
    return _finished(kind, {name: _one_piece(table[name]) for name in table.column_names}, terms.origin)


def _plans(customer: Any, terms: Terms) -> Any:
    """Plan of each customer; null where the line goes another way."""
    coded = pc.dictionary_encode(customer)
    known = [(each, terms.plan_of(each)) for each in coded.dictionary.to_pylist()]
    plans = [plan if plan is not None and not _NOT_PLAIN(each + plan) else None for each, plan in known]
    return pc.take(pa.array(plans, pa.string()), coded.indices)


def _finished(kind: str, columns: Columns, origin: str) -> Batch:
    """With ids and quarters, worked out from the rest as `kinds.finished` does."""
    places = columns.pop("place").to_pylist()
    at, ref = columns.pop("at"), columns["ref"]
    specific = [columns[name] for name in _SPECIFIC[kind]]
    content = pc.binary_join_element_wise(*(_said(each) for each in specific), "\x1f")
    named = pc.binary_join_element_wise(specific[0], ref, "\x1f")
    identity = pc.if_else(pc.equal(ref, ""), content, named)
    texts = pc.binary_join_element_wise(pa.scalar(kind), columns["customer_id"], identity, "\x1f")
    quarter = pc.divide(at, QUARTER_SEC * 1000)
    origins = pa.array([origin] * len(places), pa.string())
    return Batch(kind, {**columns, "id": _ids(at, texts), "quarter": quarter, "origin": origins}, places)


def _ids(started_ms: Any, texts: Any) -> Any:
    """As `kinds.record_id`: 6 bytes of the time and 10 of the digest, in hex digits."""
    times = started_ms.to_numpy(zero_copy_only=False).astype(">i8").view(np.uint8).reshape(-1, 8)[:, 2:]
    digests = b"".join([sha256(text).digest()[:10] for text in pc.cast(texts, pa.binary()).to_pylist()])
    both = np.hstack([times, np.frombuffer(digests, np.uint8).reshape(-1, 10)])
    offsets = np.arange(len(times) + 1, dtype=np.int32) * schema.ID_LENGTH
    return pa.StringArray.from_buffers(len(times), pa.py_buffer(offsets), pa.py_buffer(both.tobytes().hex().encode()))


def _day_exists(started: Any) -> Any:
    """Whether the month has that day: a pattern alone lets the 30th of February through."""
    coded = pc.dictionary_encode(pc.utf8_slice_codeunits(started, 0, 10))
    return pc.take(pa.array([_is_day(each) for each in coded.dictionary.to_pylist()], pa.bool_()), coded.indices)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time(started: Any) -> Any:
    """`2026-10-01 00:00:00.123` in UTC."""
    thousandths = pc.if_else(
        pc.equal(pc.utf8_slice_codeunits(started, 19, 20), "."), pc.utf8_slice_codeunits(started, 20, 23), "000"
    )
    day, clock = pc.utf8_slice_codeunits(started, 0, 10), pc.utf8_slice_codeunits(started, 11, 19)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(day, clock, " "), thousandths, ".")


def _matches(column: Any, pattern: str) -> Any:
    return pc.match_substring_regex(column, pattern)


def _among(column: Any, words: Sequence[str]) -> Any:
    return pc.is_in(column, value_set=pa.array(words, pa.string()))


def _whole(column: Any) -> Any:
    return pc.cast(column, pa.int64())


def _one_piece(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _said(column: Any) -> Any:
    """As Python's `str` says it, of which the digest is made."""
    return pc.if_else(column, "True", "False") if pa.types.is_boolean(column.type) else pc.cast(column, pa.string())


def _values(column: Any, name: str) -> list[Any]:
    if name == "started":
        return [each.replace(tzinfo=UTC) for each in pc.cast(column, pa.timestamp("ms")).to_pylist()]
    values: list[Any] = column.to_pylist()
    return [each or None for each in values] if name == "ref" else values


class _Call:
    @staticmethod
    def usual(given: Columns) -> Any:
        outcome = _among(given["outcome"], ("answered", "unanswered", ""))
        numbers = pc.and_(_matches(given["peer"], _PEER), _matches(given["duration"], _SECONDS))
        return pc.and_(pc.and_(_among(given["direction"], schema.DIRECTIONS), outcome), numbers)

    @staticmethod
    def made(whole: Any) -> Columns:
        answered = pc.not_equal(whole["outcome"], "unanswered")
        lasted = pc.multiply(_whole(whole["duration"]), 1000)
        fits = pc.or_(answered, pc.equal(lasted, 0))
        specific = {"direction": whole["direction"], "peer": whole["peer"], "answered": answered, "duration_ms": lasted}
        return {**specific, "fits": fits}


class _Sms:
    @staticmethod
    def usual(given: Columns) -> Any:
        numbers = pc.and_(_matches(given["peer"], _PEER), _matches(given["parts"], _PARTS))
        words = pc.and_(_among(given["direction"], schema.DIRECTIONS), _among(given["result"], schema.SMS_RESULTS))
        return pc.and_(words, numbers)

    @staticmethod
    def made(whole: Any) -> Columns:
        parts = _whole(whole["parts"])
        fits = pc.and_(pc.greater_equal(parts, 1), pc.less_equal(parts, 255))
        specific = {"direction": whole["direction"], "peer": whole["peer"], "result": whole["result"], "parts": parts}
        return {**specific, "fits": fits}


class _Data:
    @staticmethod
    def usual(given: Columns) -> Any:
        volumes = pc.and_(_matches(given["uplink"], _BYTES), _matches(given["downlink"], _BYTES))
        return pc.and_(pc.and_(_matches(given["apn"], _APN), _matches(given["duration"], _SECONDS)), volumes)

    @staticmethod
    def made(whole: Any) -> Columns:
        always = pa.array([True] * len(whole), pa.bool_())
        specific = {"apn": whole["apn"], "final": always, "duration_ms": pc.multiply(_whole(whole["duration"]), 1000)}
        return {
            **specific,
            "uplink_bytes": _whole(whole["uplink"]),
            "downlink_bytes": _whole(whole["downlink"]),
            "fits": always,
        }


_SPECIAL: dict[str, Any] = {"call": _Call, "sms": _Sms, "data": _Data}
_SPECIFIC = {kind: COLUMNS[kind][6:-2] for kind in COLUMNS}
