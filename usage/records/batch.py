"""Many usual lines at once, column by column: the third way of a line, a tenth of the time of `check`, and the same rows.

`taker` gives what takes the lines of a chunk; it says which it took. The others go the way of `quick` and `check`, which is the
definition; a test holds the three together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usage import schema
from usage.records import facts, local
from usage.records.check import AHEAD, EARLIEST, Terms
from usage.records.facts import NO_DIRECTION, QUARTERS_A_DAY, SERVICES, Sums
from usage.records.kinds import COLUMNS, KINDS, Row
from usage.records.quick import columns_known
from usage.schema import QUARTER_SEC

_STARTED = r"^\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?(Z|\+00:00)$"
_PEER = r"^\+?[0-9]{1,20}$"
_REF = r"^$|^[!-\[\]-~]([ -\[\]-~]{0,98}[!-\[\]-~])?$"  # printable ASCII without a backslash, no blank at an end
_SECONDS, _BYTES, _APN, _PARTS = r"^[0-9]{1,6}$", r"^[0-9]{1,15}$", r"^[A-Za-z0-9]{1,100}$", r"^[0-9]{1,3}$"
_NOT_PLAIN = re.compile(r"[\\\t\n]").search
_MINUTE_MS = facts.MINUTE_MS
Columns = dict[str, Any]
Taker = Callable[[Sequence[Sequence[str]]], "Batch | None"]


@dataclass
class Batch:
    """Checked rows of one kind. `places`: at which place of its chunk each stood; `extra`: (place, row) of other ways."""

    kind: str
    columns: Columns
    places: list[int]
    extra: list[tuple[int, Row]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places) + len(self.extra)

    @property
    def distinct(self) -> bool:
        """Whether no record is there twice."""
        ids = self.columns["id"]
        return len({*ids, *(row[0] for _, row in self.extra)}) == len(self)

    def lines(self) -> bytes:
        """For LOAD DATA, as `local.record_lines` writes them."""
        write = local.record_lines(self.kind)
        texts = [_text(self.columns[name]) for name in COLUMNS[self.kind][:-1]]
        ref = self.columns["ref"]
        texts.append(pc.binary_join_element_wise(pc.if_else(pc.equal(ref, ""), "\\N", ref), "\n", ""))
        whole = pc.binary_join_element_wise(*texts, "\t") if self.places else pa.array([], pa.string())
        rest = "".join(write(row) for _, row in self.extra).encode()
        return "".join(whole.to_pylist()).encode() + rest

    def rows(self) -> list[Row]:
        """The same as tuples, in the order of the chunk."""
        names = COLUMNS[self.kind]
        values = [_values(self.columns[name], name) for name in names]
        taken = zip(self.places, zip(*values, strict=True), strict=True)
        return [row for _, row in sorted([*taken, *self.extra], key=lambda each: each[0])]

    def sums(self) -> Sums:
        """As `facts.sums` of the rows."""
        found = facts.sums(self.kind, [row for _, row in self.extra])
        if not self.places:
            return found
        direction, quarter_values, day_values = _MEASURES[self.kind](self.columns)
        quarter = self.columns["quarter"]
        service = SERVICES[self.kind]
        keys = {"quarter": quarter, "direction": direction, "plan": self.columns["plan"], "zone": self.columns["zone"]}
        for (at, way, plan, zone), values in _grouped(keys, quarter_values):
            facts.gather(found.quarters, (at, service, way, plan, zone), values)
        days = {"day": pc.divide(quarter, QUARTERS_A_DAY), "customer": self.columns["customer_id"]}
        for (day, customer), values in _grouped(days, day_values):
            facts.gather(found.days, (day, customer), values)
        return found


def taker(kind: str, header: Sequence[str], terms: Terms) -> Taker | None:
    """What takes the lines (cells, all as wide as the header) of a chunk; None for files with unusual columns."""
    if not columns_known(kind, header):
        return None
    special = _SPECIAL[kind]

    def take(lines: Sequence[Sequence[str]]) -> Batch | None:
        """None when the chunk as a whole is not for this way."""
        try:
            given = {
                name: pa.array(cells, pa.string()) for name, cells in zip(header, zip(*lines, strict=True), strict=True)
            }
            return _taken(kind, given, terms, len(lines), special)
        except (UnicodeEncodeError, pa.ArrowInvalid):
            return None  # bytes that are no text; the 30th of February

    return take


def _taken(kind: str, given: Columns, terms: Terms, count: int, special: Any) -> Batch:
    absent = pa.array([""] * count, pa.string())
    for name in KINDS[kind].given:
        given.setdefault(name, absent)
    known = {each: terms.plan_of(each) for each in pc.unique(given["customer"]).to_pylist()}
    plans = {each: plan for each, plan in known.items() if plan is not None and not _NOT_PLAIN(each + plan)}
    plan = pa.array([plans.get(each) for each in given["customer"].to_pylist()], pa.string())
    zone = pc.if_else(pc.equal(given["zone"], ""), "national", given["zone"])
    usual = pc.and_(pc.is_valid(plan), _matches(given["started"], _STARTED))
    usual = pc.and_(usual, pc.and_(_among(zone, schema.ZONES), _matches(given["ref"], _REF)))
    usual = pc.and_(usual, special.usual(given))
    whole = pa.table({**given, "plan": plan, "zone": zone, "place": pa.array(range(count), pa.int64())}).filter(usual)
    time = _time(whole["started"].combine_chunks())
    moment = pc.cast(time, pa.timestamp("ms"))
    made = special.made(whole)
    at = pc.cast(moment, pa.int64())
    latest = int((terms.now + AHEAD).timestamp() * 1000)
    fits = pc.and_(
        pc.and_(pc.greater_equal(at, int(EARLIEST.timestamp() * 1000)), pc.less_equal(at, latest)), made.pop("fits")
    )
    names = {"customer_id": "customer", "plan": "plan", "zone": "zone", "ref": "ref", "place": "place"}
    columns = {name: whole[of] for name, of in names.items()} | {"started": time, "moment": moment, "at": at} | made
    table = pa.table(columns).filter(fits).combine_chunks()
    return _finished(kind, {name: _one_piece(table[name]) for name in table.column_names}, terms.origin)


def _finished(kind: str, columns: Columns, origin: str) -> Batch:
    """With ids and quarters, worked out from the rest as `kinds.finished` does."""
    places = columns.pop("place").to_pylist()
    at, ref = columns.pop("at"), columns["ref"]
    specific = [columns[name] for name in _SPECIFIC[kind]]
    content = pc.binary_join_element_wise(*(_said(each) for each in specific), "\x1f")
    named = pc.binary_join_element_wise(specific[0], ref, "\x1f")
    identity = pc.if_else(pc.equal(ref, ""), content, named)
    texts = pc.binary_join_element_wise(pa.scalar(kind), columns["customer_id"], identity, "\x1f").to_pylist()
    ids = [
        f"{started:012x}{sha256(text.encode()).hexdigest()[:20]}"
        for started, text in zip(at.to_pylist(), texts, strict=True)
    ]
    quarter = pc.divide(at, QUARTER_SEC * 1000)
    origins = pa.array([origin] * len(places), pa.string())
    return Batch(kind, {**columns, "id": ids, "quarter": quarter, "origin": origins}, places)


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


def _text(column: Any) -> Any:
    """As LOAD DATA reads it; a truth is a number."""
    if isinstance(column, list):
        return pa.array(column, pa.string())
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "1", "0")
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _said(column: Any) -> Any:
    """As Python's `str` says it, of which the digest is made."""
    return pc.if_else(column, "True", "False") if pa.types.is_boolean(column.type) else _text(column)


def _values(column: Any, name: str) -> list[Any]:
    if isinstance(column, list):
        return column
    if name == "started":
        return [each.replace(tzinfo=UTC) for each in pc.cast(column, pa.timestamp("ms")).to_pylist()]
    values: list[Any] = column.to_pylist()
    return [each or None for each in values] if name == "ref" else values


def _grouped(keys: Columns, values: Sequence[Any]) -> list[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Sums of `values` (columns, or a number for every row) by keys."""
    count = len(next(iter(keys.values())))
    named = {
        f"v{at}": pa.array([each] * count, pa.int64()) if isinstance(each, int) else each
        for at, each in enumerate(values)
    }
    found = (
        pa.table({**keys, **named}).group_by(list(keys), use_threads=False).aggregate([(name, "sum") for name in named])
    )
    parts = [found[name].to_pylist() for name in (*keys, *(f"{name}_sum" for name in named))]
    width = len(keys)
    return [(row[:width], row[width:]) for row in zip(*parts, strict=True)]


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


def _of_call(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    duration, answered = columns["duration_ms"], pc.cast(columns["answered"], pa.int64())
    begun = pc.divide(pc.add(duration, _MINUTE_MS - 1), _MINUTE_MS)
    units = pc.multiply(begun, answered)
    return columns["direction"], [1, 1, answered, duration, units, 0, 0], [1, 1, duration, 0, 0, 0]


def _of_sms(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    delivered = pc.cast(pc.equal(columns["result"], "delivered"), pa.int64())
    return columns["direction"], [1, 1, delivered, 0, columns["parts"], 0, 0], [1, 0, 0, 1, 0, 0]


def _of_data(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    final, up, down = pc.cast(columns["final"], pa.int64()), columns["uplink_bytes"], columns["downlink_bytes"]
    none = pa.array([NO_DIRECTION] * len(final), pa.string())
    return none, [1, final, final, columns["duration_ms"], 0, up, down], [1, 0, 0, 0, final, pc.add(up, down)]


_SPECIAL = {"call": _Call, "sms": _Sms, "data": _Data}
_MEASURES = {"call": _of_call, "sms": _of_sms, "data": _of_data}
_SPECIFIC = {kind: COLUMNS[kind][6:-2] for kind in COLUMNS}
