"""When a watch is evaluated. Live: at the last tick of its schedule. Over a past range: only at ticks where something changed.

A tick is a multiple of the schedule's interval, counted from the epoch, UTC. What was written with a time after one tick
and up to the next is seen at that next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerting.inputs import indices_of
from alerting.watch import Watch
from contracts.clock import floor_to, parse_iso
from infrastructure.store import Store

# Fields of an index at whose times its documents begin or cease to count. Another index: every tick is looked at.
CHANGES = {
    "incident": ("incident.detected", "event.end"),
    "anomaly": ("anomaly.detected", "event.end"),
    "cdr-file": ("event.ingested",),
    "cdr-gap": ("gap.detected", "event.end"),
}
_MILLISECOND = timedelta(milliseconds=1)


def last_tick(moment: datetime, step: timedelta) -> datetime:
    return floor_to(moment, _seconds(step))


def first_tick(moment: datetime, step: timedelta) -> datetime:
    floor = floor_to(moment, _seconds(step))
    return floor if floor == moment else floor + step


def _seconds(step: timedelta) -> int:
    return max(1, round(step.total_seconds()))


def ticks(store: Store, watch: Watch, since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """Moments of [since, until] at which the watch may answer differently than before, in order; never empty.

    The first and the last tick of the range are always among them: documents may have come late. `metadata.changes` of
    the watch is an ES|QL condition of the documents that can change its answer; without it, any document can.
    """
    last = last_tick(until, step)
    first = min(first_tick(since, step), last)
    fields = [CHANGES.get(name) for name in indices_of(watch.input)]
    if any(names is None for names in fields):
        return list(_every(first, last, step))
    found = {first, last}
    for index, names in zip(indices_of(watch.input), fields, strict=True):
        for field in names or ():
            found |= set(_changes(store, index, field, str(watch.metadata.get("changes", "true")), first, last, step))
    return sorted(found)


def _every(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += step


def _changes(
    store: Store, index: str, field: str, where: str, first: datetime, last: datetime, step: timedelta
) -> Iterator[datetime]:
    """Ticks that follow a time in `field`. DATE_TRUNC rounds down; a millisecond less and a step more rounds up."""
    if first >= last:
        return
    size = _seconds(step)

    def query(start: datetime, end: datetime) -> tuple[str, list[datetime]]:
        text = (
            f"FROM {index} | WHERE {field} >= TO_DATETIME(?) AND {field} < TO_DATETIME(?) AND ({where}) "
            f"| STATS found = COUNT(*) BY tick = DATE_TRUNC({size} seconds, {field} - 1 millisecond) | KEEP tick"
        )
        return text, [start, end]

    for table in store.esql_windows(query, first, last + _MILLISECOND, step=step):
        for (tick,) in table.rows:
            moment = parse_iso(tick) + step
            if first < moment < last:
                yield moment
