"""Parts of a point, which merge exactly, and the point that parts make. Shared by the ES|QL roll-up and the twin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kpis import bins
from kpis.definitions import Definition

BASE_MS = 300_000  # integrals are laid on this grid, at every resolution, so that hours are sums of five minutes
RESOLUTIONS = (300, 3600, 86400)  # seconds
ORIGIN = "cdr"

State = Literal["ok", "no_data", "insufficient_data", "not_measurable"]


@dataclass(slots=True)
class Parts:
    """What a bucket of one KPI and entity is made of. Numbers add up over records, entities' halves, and buckets.

    `numerator`: count, sum, or integral (ms in progress, or amount); `denominator`: of ratios and means;
    `samples`: records or legs behind the value; `candidates`: those that should have been measured; `bins`: of percentiles.
    """

    numerator: int | float = 0
    denominator: int | float = 0
    samples: int = 0
    candidates: int = 0
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, other: Parts) -> None:
        """Merges `other` into this."""
        self.numerator += other.numerator
        self.denominator += other.denominator
        self.samples += other.samples
        self.candidates += other.candidates
        if other.bins:
            self.bins = bins.merged((self.bins, other.bins))


class Key(NamedTuple):
    """A point's place: definition, entity (`type:id`), index of the bucket since the epoch at its resolution."""

    kpi: str
    entity: str
    bucket: int


class Point(NamedTuple):
    """One KPI point. `value` is None unless `state` is ok or insufficient_data; `bucket_ms` is the bucket's start."""

    kpi: str
    entity: str
    bucket_ms: int
    value: float | None
    numerator: float | None
    denominator: float | None
    samples: int
    state: State
    bins: str


def settled(definition: Definition, until: int) -> int:
    """Time (ms) before which records can be judged as of `until`: a definition with `settle_sec` waits that long."""
    limit = until - definition.settle_sec * 1000
    return limit - limit % BASE_MS


def merged(many: Iterable[Parts]) -> Parts:
    """Parts of the union."""
    total = Parts()
    for parts in many:
        total.add(parts)
    return total


def point(definition: Definition, entity: str, bucket: int, resolution_sec: int, parts: Parts) -> Point | None:
    """The point that `parts` make in a bucket of `resolution_sec`; None when there is nothing behind it."""
    start = bucket * resolution_sec * 1000
    if definition.kind == "percentile":
        return _percentile(definition, entity, start, parts)
    if definition.counted:
        if not parts.samples:
            return None
        elapsed = definition.spread is not None and definition.spread.amount is None
        length = resolution_sec * 1000 if elapsed else None
        value = parts.numerator / length if length else parts.numerator
        return Point(definition.id, entity, start, value, parts.numerator, length, parts.samples, "ok", "")
    if not parts.denominator:
        if not parts.candidates:
            return None
        return Point(definition.id, entity, start, None, None, None, parts.candidates, "not_measurable", "")
    value = parts.numerator / parts.denominator
    state: State = "ok" if parts.samples >= definition.least_sample else "insufficient_data"
    return Point(definition.id, entity, start, value, parts.numerator, parts.denominator, parts.samples, state, "")


def _percentile(definition: Definition, entity: str, start: int, parts: Parts) -> Point | None:
    value = bins.percentile(parts.bins, definition.percentile, definition.edge)
    if value is None:
        return None
    samples = sum(parts.bins.values())
    state: State = "ok" if samples >= definition.least_sample else "insufficient_data"
    return Point(definition.id, entity, start, value, None, None, samples, state, bins.encode(parts.bins))


def nothing(definition: Definition, entity: str, bucket: int, resolution_sec: int, *, alive: bool) -> Point:
    """The point of a bucket in which nothing happened: 0 when the feed is proven alive, no_data when it is not."""
    start = bucket * resolution_sec * 1000
    if not alive:
        return Point(definition.id, entity, start, None, None, None, 0, "no_data", "")
    elapsed = definition.spread is not None and definition.spread.amount is None
    return Point(definition.id, entity, start, 0, 0, resolution_sec * 1000 if elapsed else None, 0, "ok", "")
