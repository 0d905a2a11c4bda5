"""The files about customers: written line by line, so that memory does not grow with their number; whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from contracts.errors import DefinitionError, UserError
from datagen.definitions import nearest
from datagen.model import Model
from datagen.people.invoices import invoices
from datagen.people.seen import Seen
from datagen.people.subscriptions import subscriptions
from datagen.people.tickets import read_reasons, tickets
from datagen.people.usage import usual
from datagen.table import Ints

FILES = ("customers.ndjson", "subscriptions.ndjson", "invoices.ndjson", "tickets.ndjson")
CHOICES = ("all", "seen", "none")
MANY = 100_000  # customers; beyond it only those who occur are written unless all are asked for
_CHUNK = 5_000
Rows = Iterable[Mapping[str, Any]]


def chosen(customers: str | None, count: int) -> str:
    """Which customers to write: all, seen (those who occur in the records) or none. Raises DefinitionError."""
    if customers is None:
        return "all" if count <= MANY else "seen"
    if customers not in CHOICES:
        hint = nearest(str(customers), CHOICES)
        raise DefinitionError(f"customers {customers!r} is not one of {', '.join(CHOICES)}{hint}")
    return customers


def write_people(out: Path, model: Model, first_day: int, seen: Seen | None = None) -> int:
    """Writes FILES into a folder; returns how many customers are in them.

    first_day: days since 1970; invoices and tickets are of the months before it. seen: only these, and those whom an earlier
    run left in the folder; None: all. Raises UserError on a file of somebody else's.
    """
    wanted = seen
    if wanted is not None:
        _remember(out / FILES[0], wanted, model)
    chunks = _everybody(model.customers.count) if wanted is None else wanted.chunks(_CHUNK)
    until = date(1970, 1, 1) + timedelta(days=first_day)
    makers, count = _makers(model, until), 0
    with _whole_files([out / name for name in FILES]) as files:
        for n in chunks:
            count += n.size
            for make, file in zip(makers, files, strict=True):
                file.writelines(orjson.dumps(row) + b"\n" for row in make(n))
    return count


def people_bytes(model: Model) -> float:
    """What the files of all customers would take, about: from those of a few."""
    few = np.unique(np.linspace(0, model.customers.count - 1, 40).astype(np.int64))
    makers = _makers(model, date(2026, 1, 1))
    size = sum(len(orjson.dumps(row)) + 1 for make in makers for row in make(few))
    return size / few.size * model.customers.count


def _makers(model: Model, until: date) -> tuple[Callable[[Ints], Rows], ...]:
    """One for each of FILES: rows of some customers."""
    use, reasons, customers = usual(model), read_reasons(), model.customers
    return (
        customers.described,
        lambda n: subscriptions(customers, n),
        lambda n: invoices(customers, use, n, until),
        lambda n: tickets(customers, reasons, n, until),
    )


def _everybody(count: int) -> Iterator[Ints]:
    return (np.arange(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK))


def _remember(file: Path, seen: Seen, model: Model) -> None:
    """Adds the customers that a folder's file has already: a folder may be filled day by day."""
    if not file.exists():
        return
    found = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                found.append(range(model.customers.count)[int(orjson.loads(line)["customer_id"].removeprefix("C")) - 1])
            except (orjson.JSONDecodeError, AttributeError, KeyError, IndexError, TypeError, ValueError) as problem:
                raise UserError(f"line {number} is no customer of this network", where=str(file)) from problem
            if len(found) == _CHUNK:
                seen.add(np.array(found))
                found.clear()
    seen.add(np.array(found, np.int64))


@contextmanager
def _whole_files(paths: list[Path]) -> Iterator[list[IO[bytes]]]:
    """Files open for writing that appear under their names together, at the end, or not at all."""
    parts = [path.with_name(f".{path.name}.part") for path in paths]
    for part in parts:
        part.parent.mkdir(parents=True, exist_ok=True)
    files: list[IO[bytes]] = [part.open("wb") for part in parts]
    try:
        yield files
        for file in files:
            file.close()
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    finally:
        for file in files:
            file.close()
        for part in parts:
            part.unlink(missing_ok=True)
