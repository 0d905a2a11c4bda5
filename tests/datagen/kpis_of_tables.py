"""KPIs of generated tables by the pure twin: what tests of incidents compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from contracts.clock import from_epoch_ms, iso
from contracts.settings import read as settings
from datagen.pipeline import plan, tables
from datagen.table import MISSING, Column, Table, concatenate, take
from kpis import catalogue, twin
from kpis.definitions import Definition
from kpis.parts import Key, Parts, merged, point

DEFINITIONS = catalogue.load(settings({}))
SERVICES = catalogue.services()
BUCKET_MS = 300_000
LONG_AFTER_MS = 4_102_444_800_000  # 2100
_CODECS = {"epc.final": {"true": True, "false": False}}


class Window(NamedTuple):
    """Whole buckets of five minutes: `start` … `end` in ms since 1970."""

    start: int
    end: int


@cache
def _columns(service: str) -> tuple[str, ...]:
    """Fields that KPIs of the service look at, as the table names them."""
    fields = {name for names in SERVICES[service].entities.values() for name in names}
    prefix = {"voip": "voip.", "sms": "sms.", "epc": "epc."}[service]
    return tuple(sorted(fields | {"@timestamp", "event.start", "event.end", "mobile.call_type"} | {prefix}))


def generated(service: str, first: date, days: int, rate: float, seed: int, rows: Sequence[Mapping[str, Any]]) -> Table:
    """All rows of a run of one service, with the incidents of `rows`."""
    run = plan(services=[service], start=first, days=days, rate=rate, seed=seed, incidents=rows)
    return concatenate(list(tables(run, service)))


def documents(service: str, table: Table) -> list[dict[str, Any]]:
    """Rows as the documents that mediation makes of them, with the fields that KPIs need."""
    wanted = [name for name in table if not name.startswith("_") and name.startswith(_columns(service))]
    cells = {name: _cells(name, table[name]) for name in wanted}
    if service == "sms":
        taken = table["event.end"].values - table["event.start"].values
        cells["sms.delay.sec"] = [
            None if end == MISSING else delay / 1000
            for end, delay in zip(table["event.end"].values.tolist(), taken.tolist(), strict=True)
        ]
    return [_nested(cells, row) for row in range(table["_time"].values.size)]


def _cells(name: str, column: Column) -> list[Any]:
    values = column.plain()
    if column.kind == "time":
        return [None if value is None else iso(from_epoch_ms(value)) for value in values]
    words = _CODECS.get(name)
    return [words[value] for value in values] if words else values


def _nested(cells: Mapping[str, list[Any]], row: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, values in cells.items():
        if values[row] is not None:
            *path, last = name.split(".")
            place = document
            for part in path:
                place = place.setdefault(part, {})
            place[last] = values[row]
    return document


def parts(service: str, table: Table, around: Window) -> dict[Key, Parts]:
    """Parts of every KPI and entity by bucket of five minutes, of records that are laid on buckets of the window."""
    begins, ends = table["event.start"].values, table["@timestamp"].values
    near = take(table, np.flatnonzero((ends >= around.start) & (begins < around.end)))
    total: dict[Key, Parts] = {}
    for row, document in zip(_rows(service, near), documents(service, near), strict=True):
        for key, one in _parts_of(service, row, document).items():
            if around.start <= key.bucket * BUCKET_MS < around.end:
                total.setdefault(key, Parts()).add(one)
    return total


_KNOWN: dict[tuple[str, tuple[int, ...]], dict[Key, Parts]] = {}


def _parts_of(service: str, row: tuple[int, ...], document: dict[str, Any]) -> dict[Key, Parts]:
    """What the twin makes of one record; asked once of a record that stands in several runs."""
    if (service, row) not in _KNOWN:
        mine = {key: one for key, one in DEFINITIONS.items() if one.service == service}
        until = LONG_AFTER_MS  # late enough for every record to be settled
        records = [twin.record(SERVICES[service], document)]
        _KNOWN[service, row] = twin.parts(mine, records, BUCKET_MS // 1000, until)
    return _KNOWN[service, row]


def _rows(service: str, table: Table) -> list[tuple[int, ...]]:
    columns = [table[name].values.tolist() for name in table if name.startswith(_columns(service))]
    return list(zip(*columns, strict=True))


class Change(NamedTuple):
    """A KPI of an entity over a window without and with an incident, and what may come by chance.

    Standard errors of the usual value and of the difference by the jackknife over parts of the window (Tukey 1958):
    calls that come together are left out together.
    """

    before: float
    after: float
    usual_error: float
    difference_error: float

    @property
    def by(self) -> float:
        return self.after - self.before

    def moves(self) -> str:
        """falls or rises; empty while it is within what the KPI does in quiet times anyway."""
        return "" if abs(self.by) <= 3 * self.usual_error else "rises" if self.by > 0 else "falls"

    def stays(self) -> bool:
        """Whether it is where it was: what it differs by can come of the luck of who is in the records."""
        return abs(self.by) <= 3 * max(self.usual_error, self.difference_error)


def change(kpi: str, entity: str, before: Mapping[Key, Parts], after: Mapping[Key, Parts], window: Window) -> Change:
    """The same KPI, entity and window of two runs."""
    was, now = (_groups(kpi, entity, found, window) for found in (before, after))
    without = [(_value(kpi, was, group), _value(kpi, now, group)) for group in was]
    usual, difference = np.array([b for b, _ in without]), np.array([a - b for b, a in without])
    return Change(_value(kpi, was), _value(kpi, now), _jackknife(usual), _jackknife(difference))


def _groups(kpi: str, entity: str, found: Mapping[Key, Parts], window: Window) -> dict[int, list[Parts]]:
    """Parts by part of the window: at most twelve, of neighbouring buckets."""
    first, buckets = window.start // BUCKET_MS, (window.end - window.start) // BUCKET_MS
    each = -(-buckets // 12)
    groups: dict[int, list[Parts]] = {number: [] for number in range(-(-buckets // each))}
    for bucket in range(buckets):
        one = found.get(Key(kpi, entity, first + bucket))
        if one is not None:
            groups[bucket // each].append(one)
    return groups


def _value(kpi: str, groups: Mapping[int, list[Parts]], left_out: int | None = None) -> float:
    """Value over all groups but one; counts and integrals as if that one had been like the others; 0 where there is none."""
    kept = [number for number in groups if number != left_out]
    total = merged(one for number in kept for one in groups[number])
    made = point(DEFINITIONS[kpi], "", 0, 300, total)
    if made is None or made.value is None:
        return 0.0
    return float(made.value) * (len(groups) / len(kept) if DEFINITIONS[kpi].counted else 1)


def _jackknife(left_out: Any) -> float:
    return float(np.sqrt((left_out.size - 1) / left_out.size * np.sum((left_out - left_out.mean()) ** 2)))


def entity_of(definition: Definition, places: Sequence[str], service: str) -> list[str]:
    """Where a KPI of an incident is looked at: its places, or the service where the KPI is not kept for their kind."""
    kept = [place for place in places if place.partition(":")[0] in definition.dimensions]
    return kept or [f"service:{service}"]
