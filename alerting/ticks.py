"""When a watch is evaluated. Live: at the last tick of its schedule. Over a past range: only at ticks where something changed.

What was written with a time after one tick and up to the next is seen at that next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerting.durations import duration
from alerting.inputs import asks_now, indices_of
from alerting.schedules import Schedule
from alerting.watch import Watch
from contracts.clock import parse_iso
from infrastructure.store import Store

# Fields of an index at whose times its documents begin or cease to count. Another index: every tick is looked at.
CHANGES = {
    "incident": ("incident.detected", "event.end"),
    "anomaly": ("anomaly.detected", "event.end"),
    "cdr-file": ("event.ingested",),
    "cdr-gap": ("gap.detected", "event.end"),
    **dict.fromkeys(
        ("kpi-5m", "kpi-1h", "kpi-1d", "service-state", "cdr-voip", "cdr-sms", "watch-run"), ("@timestamp",)
    ),
    "notification": ("event.ingested",),
}
# Of what is so now and not of what was so at a moment: a past range is asked at its end only.
PRESENT = ("job", "watch", "ticket")
_MILLISECOND = timedelta(milliseconds=1)


def _seconds(step: timedelta) -> int:
    return max(1, round(step.total_seconds()))


def ticks(store: Store, watch: Watch, since: datetime, until: datetime, schedule: Schedule) -> list[datetime]:
    """Moments of [since, until] at which the watch may answer differently than before, in order.

    Of a regular schedule the first and the last tick of the range are always among them: documents may have come late.
    `metadata.changes` of the watch is an ES|QL condition of the documents that can change its answer; without it, any
    document can. `metadata.window`: for so long a document counts after its time. What asks
    other systems is asked at the last tick only: they do not know the past.
    """
    last = schedule.last(until)
    if last is None:
        return []
    indices = indices_of(watch.input)
    if asks_now(watch.input) or any(name in PRESENT for name in indices):
        return [last] if last >= since or schedule.regular is not None else []
    if schedule.regular is None:
        return _listed(schedule, since, until)
    first = min(schedule.first(since) or last, last)
    fields = [CHANGES.get(name) for name in indices]
    step = schedule.regular
    if not fields or any(names is None for names in fields):
        return list(_every(first, last, step))
    found = {first, last}
    window = duration(watch.metadata["window"]) + step if "window" in watch.metadata else timedelta()
    where = str(watch.metadata.get("changes", "true"))
    for index, names in zip(indices, fields, strict=True):
        for field in names or ():
            for tick in _changes(store, index, field, where, first - window, last, step):
                found |= {each for each in _every(tick, min(tick + window, last), step) if each >= first}
    return sorted(found)


def _listed(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    tick = schedule.first(since)
    while tick is not None and tick <= until:
        found.append(tick)
        tick = schedule.first(tick + _MILLISECOND)
    return found


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
