"""What is due: which spans of time of a service must be rolled again, from what came since the last run. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kpis.presence import DAY_MS, DAY_SEC, KNOWN_DAYS, Activity
from kpis.spans import Cover, Span, clipped, crossed, joined, pieces, widened

# Late records may be years apart; days nearer than this are asked about together.
_NEAR_DAYS = 2 * KNOWN_DAYS
_END_MS = 253_402_300_800_000  # the year 10000: later times cannot be written


@dataclass(frozen=True, slots=True)
class Plan:
    """`plain`: spans due for KPIs that put a record into one bucket; `wide`: for integrals.

    `days`: those (since the epoch) on which there is anything to keep; `proven`: spans that files prove to be delivered;
    `taken`: spans in which records were taken into calls and sessions, so that points may have lost what was behind them.
    """

    plain: list[Span]
    wide: list[Span]
    days: set[int]
    activity: Activity
    proven: Cover
    taken: list[Span]


def questioned(spans: Iterable[Span]) -> list[Span]:
    """Whole days about whose records the plan must know: those due, those they depend on, and those they may change."""
    days = [(start - KNOWN_DAYS * DAY_MS, end + KNOWN_DAYS * DAY_MS) for start, end in widened(spans, DAY_MS)]
    return clipped(joined(days, _NEAR_DAYS * DAY_MS), 0, _END_MS)


def due(spans: Iterable[Span], changed: Iterable[int], until: int) -> list[Span]:
    """Spans due up to `until`: those touched, and whole days on which series became known or finer."""
    days = [(day * DAY_MS, (day + 1) * DAY_MS) for day in changed]
    return clipped([*spans, *days], 0, until)


def windows(
    spans: Iterable[Span], days: Iterable[int], activity: Activity, resolution_sec: int, rows: int
) -> list[Span]:
    """Spans to ask for at one resolution: whole buckets, on `days` that keep it, short enough for `rows` of all entities."""
    step = resolution_sec * 1000
    busy = [(day * DAY_MS, (day + 1) * DAY_MS) for day in days if keeps(activity, day, resolution_sec)]
    whole = crossed(widened(spans, step), busy)
    buckets = max(rows // max(len(activity.entities()), 1), 1)
    return list(pieces(whole, buckets * step))


def keeps(activity: Activity, day: int, resolution_sec: int) -> bool:
    """Whether any entity is kept at this resolution on a day."""
    if resolution_sec >= DAY_SEC:
        return True
    return any(activity.finest(entity, day) <= resolution_sec for entity in activity.entities())
