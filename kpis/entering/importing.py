"""Sheets of values: every row checked first, with a preview of what would be entered and what is wrong; then entered whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from contracts.clock import epoch_ms, parse_iso
from contracts.errors import BusyhourError, UserError
from infrastructure.store import Store
from kpis.entering import sheets
from kpis.entering.checking import check
from kpis.entering.entries import Entered, Wanted, enter
from kpis.tracking import Registry, Tracked
from kpis.tracking.points import place_of
from kpis.tracking.reading import nearest

T = TypeVar("T")
COLUMNS = ("kpi", "entity", "time", "value")
MOST_FAULTS = 1000  # kept; the rest is counted


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. `row` as a spreadsheet counts, from 1; `column` "" for the whole row."""

    row: int
    column: str
    what: str


@dataclass(slots=True)
class Preview:
    """What a file holds: `wanted` could be entered, `faults` cannot (the first 1,000), `faulty` rows in all."""

    path: Path
    rows: int = 0
    wanted: list[Wanted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    faulty: int = 0


def preview(registry: Registry, path: Path, now: datetime, kpi: str | None = None) -> Preview:
    """Reads and checks a file, writes nothing. Columns: kpi (unless given), entity, time, value.

    Raises UserError on a file that cannot be read, or lacks a column.
    """
    found = Preview(path)
    fixed = registry.find(kpi) if kpi else None
    needed = [name for name in COLUMNS if name != "kpi" or fixed is None]
    seen: dict[str, int] = {}
    for row in sheets.rows(path):
        if not found.rows:
            _check_columns(row.cells, needed, path)
        found.rows += 1
        try:
            wanted = _row(registry, fixed, row.cells, now)
            place = _place(wanted, now)
            if place in seen:
                raise _Bad("", f"the same KPI, entity and bucket as row {seen[place]}")
            seen[place] = row.number
            found.wanted.append(wanted)
        except _Bad as error:
            found.faulty += 1
            if len(found.faults) < MOST_FAULTS:
                found.faults.append(Fault(row.number, error.column, error.what))
    return found


def import_rows(store: Store, found: Preview, *, by: str, why: str, skip_faulty: bool = False) -> list[Entered]:
    """Enters what a preview found. Raises UserError, and writes nothing, where rows are wrong that shall not be skipped."""
    if found.faults and not skip_faulty:
        raise UserError(
            f"{found.faulty} of {found.rows} rows are wrong, nothing was entered", where=str(found.path),
            remedy="correct them, or import the others with --skip-faulty",
        )  # fmt: skip
    return enter(store, found.wanted, by=by, why=why, origin=found.path.name[:200]) if found.wanted else []


class _Bad(Exception):
    def __init__(self, column: str, what: str) -> None:
        self.column, self.what = column, what


def _check_columns(cells: dict[str, sheets.Cell], needed: list[str], path: Path) -> None:
    for name in needed:
        if name not in cells:
            raise UserError(
                f"column {name!r} is missing{nearest(name, cells)}",
                where=str(path),
                remedy=f"its first row must name {', '.join(needed)}",
            )


def _row(registry: Registry, fixed: Tracked | None, cells: dict[str, sheets.Cell], now: datetime) -> Wanted:
    for name, cell in cells.items():
        if cell.fault and (name in COLUMNS or name.startswith("column ")):
            raise _Bad(name, cell.fault)
    tracked = fixed or _tried("kpi", lambda: registry.find(cells["kpi"].text))
    moment = _tried("time", lambda: parse_iso(cells["time"].text.replace("Z", "+00:00")))
    value = _tried("value", lambda: float(_plain(cells["value"].text)))
    wanted = Wanted(tracked, cells["entity"].text, moment, value)
    _tried("", lambda: check(*wanted, now))
    return wanted


def _plain(text: str) -> str:
    """Only what is written like a number: no `1_000`, no `0x10`, no words. A comma is refused, since it may mean either."""
    if not text or not set(text) <= set("0123456789+-.eE"):
        raise ValueError(f"{text[:40]!r} is no number; write it with a decimal point, as 1234.5")
    return text


def _tried(column: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except BusyhourError as error:
        raise _Bad(error.where if error.where in COLUMNS else column, error.what) from None
    except (ValueError, OverflowError) as error:
        raise _Bad(column, str(error)[:120]) from None


def _place(wanted: Wanted, now: datetime) -> str:
    bucket = check(*wanted, now)
    return place_of(wanted.tracked, wanted.entity, epoch_ms(bucket), wanted.tracked.resolutions[0])
