"""KPIs of what numbers do: the calls of numbers that, within an hour, behave as a definition's `numbers` say.

A SIM box calls many different numbers and is never called; Wangiri rings many and hangs up; a hacked PBX talks for long. Each
shows in what its numbers do and not in the traffic's sums. Looked at by the hour: a day is the sum of its hours.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from infrastructure.store import Store
from kpis import queries
from kpis.answers import tables
from kpis.catalogue import Service
from kpis.definitions import Definition, Numbers
from kpis.parts import Key
from kpis.spans import Span, pieces

HOUR_SEC = 3600
_AT_ONCE_MS = 24 * HOUR_SEC * 1000  # asked for at once: a day's numbers are what the node must hold
_LISTED = 1000  # numbers in one query


@dataclass(slots=True)
class Calls:
    """Of one number in an hour, on one of each of the KPI's entities. `to`: numbers called, None: not known."""

    calls: int = 0
    to: set[str | None] = field(default_factory=set)
    where: int = 0
    total: float = 0.0
    measured: int = 0


def behaves(numbers: Numbers, seen: Calls) -> bool:
    """Whether a number's calls are of the kind, but for its being called itself."""
    if seen.calls < numbers.least or seen.calls - len(seen.to) > numbers.repeats * seen.calls:
        return False
    if numbers.where is not None and not _within(seen.where, seen.calls, numbers.share):
        return False
    return numbers.of is None or (seen.measured > 0 and _within(seen.total, seen.measured, numbers.mean))


def _within(part: float, whole: int, bounds: tuple[float, float]) -> bool:
    return bounds[0] * whole <= part <= bounds[1] * whole


def numerators(
    store: Store, service: Service, definition: Definition, resolution_sec: int, span: Span
) -> dict[Key, int]:
    """Calls of such numbers by entity and bucket over [start, end) ms. `resolution_sec`: an hour or a day."""
    found: dict[Key, int] = defaultdict(int)
    columns = queries.entity_columns(service, definition.dimensions)
    for piece in pieces([span], _AT_ONCE_MS):
        query = queries.callers(service, definition)
        rows = [row for table in tables(store, query, piece, HOUR_SEC) for row in table.dicts()]
        called = _called(store, service, definition, sorted({row["x"] for row in rows}), piece)
        for row in rows:
            if (row["k"], row["x"]) in called:
                continue
            for entity in {
                queries.own(service),
                *(f"{kind}:{row[name]}" for name, kind in columns if row[name] is not None),
            }:
                found[Key(definition.id, entity, row["k"] * HOUR_SEC // resolution_sec)] += row["n"]
    return found


def _called(
    store: Store, service: Service, definition: Definition, numbers: Sequence[str], span: Span
) -> set[tuple[int, str]]:
    """(hour, number) of those that were called in that hour."""
    found: set[tuple[int, str]] = set()
    for few in _batches(numbers):
        for table in tables(store, queries.called(service, definition, few), span, HOUR_SEC):
            found.update((row["k"], row["x"]) for row in table.dicts())
    return found


def _batches(numbers: Sequence[str]) -> Iterator[list[str]]:
    left = iter(numbers)
    while few := list(islice(left, _LISTED)):
        yield few


def counted(
    definition: Definition, calls: Iterable[tuple[int, str, frozenset[str], Calls]], called: set[tuple[int, str]]
) -> Counter[tuple[int, str]]:
    """Calls of such numbers by (hour, entity): the meaning of the queries. `calls`: hour, number, its entities, what it did."""
    found: Counter[tuple[int, str]] = Counter()
    numbers = definition.numbers
    for hour, number, entities, seen in calls:
        if numbers is not None and (hour, number) not in called and behaves(numbers, seen):
            found.update({(hour, entity): seen.calls for entity in entities})
    return found
