"""Customers from CSV (id, name, kind, plan, since, msisdns) or JSON lines as generator and service desk have them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import ConflictError, UserError
from usage.engine import UsageStore
from usage.importing.records import SHOWN
from usage.records.customers import put_customers

CHUNK = 1000
_COLUMNS = ("id", "name", "kind", "plan", "since", "msisdns")
NO_PLAN = "none"


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
        batch: list[tuple[str, dict[str, str]]] = []
        for where, given in _given(path):
            batch.append((where, given))
            if len(batch) == CHUNK:
                _put(store, batch, key, report)
                batch = []
        _put(store, batch, key, report)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return report


def _put(store: UsageStore, batch: list[tuple[str, dict[str, str]]], key: bytes, report: CustomersReport) -> None:
    """All at once; one by one where one of them is refused, to tell which."""
    try:
        put_customers(store, [given for _, given in batch], key)
        report.customers += len(batch)
    except (UserError, ConflictError) as error:
        if len(batch) > 1:
            for each in batch:
                _put(store, [each], key, report)
            return
        report.rejected += 1
        if report.refused is not None and len(report.refused) < SHOWN:
            report.refused.append(f"{batch[0][0]}: {error.what}")


def _given(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix.lower() in (".ndjson", ".jsonl", ".json"):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", _of_json(line)
            return
        reader = csv.DictReader(file)
        unknown = [name for name in reader.fieldnames or () if name not in _COLUMNS]
        if unknown or not reader.fieldnames:
            raise UserError(
                f"unknown column {unknown[:1]}", where=f"{path}:1", remedy=f"columns are {', '.join(_COLUMNS)}"
            )
        for row in reader:
            yield f"{path}:{reader.line_num}", {name: value or "" for name, value in row.items() if name in _COLUMNS}


def _of_json(line: str) -> dict[str, str]:
    """A line as `busyhour customer load` takes it; what cannot be one is refused by the check that follows."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(row, dict):
        return {}
    given = {name: str(row.get(name) or "") for name in ("name", "kind", "plan", "since")}
    numbers = row.get("msisdns") or []
    given["msisdns"] = ",".join(map(str, numbers)) if isinstance(numbers, list) else ""
    return given | {"id": str(row.get("customer_id") or ""), "plan": given["plan"] or NO_PLAN}
