"""Customers from CSV (id, name, kind, plan, since, msisdns) or JSON lines as generator and service desk have them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from contracts.errors import ConflictError, UserError
from usage.engine import UsageStore
from usage.importing.records import SHOWN
from usage.records.customers import put_customers

CHUNK = 1000
_MOST_CELL = 65_536  # characters
_COLUMNS = ("id", "name", "kind", "plan", "since", "msisdns")
NO_PLAN = "none"


class _Line(NamedTuple):
    """`problem`: why it is no customer; "" when it may be one."""

    where: str
    given: dict[str, str]
    problem: str = ""


@dataclass(slots=True)
class CustomersReport:
    """`customers` stored or brought up to date; `rejected` lines, the first of them with the reason in `refused`."""

    customers: int = 0
    rejected: int = 0
    refused: list[str] | None = None


def import_customers(store: UsageStore, path: Path, key: bytes) -> CustomersReport:
    """Adds or updates every customer of a file. Repeatable. Raises UserError when the file cannot be read."""
    report = CustomersReport(refused=[])
    try:
        batch: list[_Line] = []
        for line in _lines(path):
            batch.append(line)
            if len(batch) == CHUNK:
                _put(store, batch, key, report)
                batch = []
        _put(store, batch, key, report)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return report


def _put(store: UsageStore, batch: list[_Line], key: bytes, report: CustomersReport) -> None:
    """All at once; one by one where one of them is refused, to tell which."""
    sound = [line for line in batch if not line.problem]
    try:
        put_customers(store, [line.given for line in sound], key)
        report.customers += len(sound)
    except (UserError, ConflictError) as error:
        if len(sound) > 1:
            for each in batch:
                _put(store, [each], key, report)
            return
        _refuse(report, sound[0].where, error.what)
    for line in batch:
        if line.problem:
            _refuse(report, line.where, line.problem)


def _refuse(report: CustomersReport, where: str, why: str) -> None:
    report.rejected += 1
    if report.refused is not None and len(report.refused) < SHOWN:
        report.refused.append(f"{where}: {why}")


def _lines(path: Path) -> Iterator[_Line]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix.lower() in (".ndjson", ".jsonl", ".json"):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _of_json(f"{path}:{number}", line)
            return
        yield from _of_csv(path, file)


def _of_csv(path: Path, file: TextIO) -> Iterator[_Line]:
    csv.field_size_limit(_MOST_CELL)  # whatever else in this process set it to
    reader = csv.DictReader(file, strict=True, restkey="")
    try:
        names = reader.fieldnames or ()
        unknown = [name for name in names if name not in _COLUMNS]
        if unknown or not names:
            what = f"unknown column {unknown[0][:40]!r}" if unknown else "has no header"
            raise UserError(what, where=f"{path}:1", remedy=f"columns are {', '.join(_COLUMNS)}")
        for row in reader:
            surplus = "" in row or None in row.values()
            why = "has more or fewer cells than the header" if surplus else ""
            yield _Line(f"{path}:{reader.line_num}", {} if surplus else dict(row), why)
    except csv.Error as error:
        raise UserError(f"is no CSV: {error}", where=f"{path}:{reader.line_num}") from None


def _of_json(where: str, line: str) -> _Line:
    """A line as `busyhour customer load` takes it."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        return _Line(where, {}, "is no JSON object")
    given = {name: str(row.get(name) or "") for name in ("name", "kind", "plan", "since")}
    numbers = row.get("msisdns") or []
    given["msisdns"] = ",".join(map(str, numbers)) if isinstance(numbers, list) else ""
    return _Line(where, given | {"id": str(row.get("customer_id") or ""), "plan": given["plan"] or NO_PLAN})
