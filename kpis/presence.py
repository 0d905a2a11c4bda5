"""Which series are kept at which resolution, and where nothing is a value: from records per entity and hour.

A series (KPI and entity) is known on a day when it had a record on that day or one of the seven before. Its finest resolution
that day is the finest at which the busiest hour of those days had `density` records a bucket on average (kpi.density; the
day always). So six years of 130 calls a day make points by hour and day, a busy trunk by five minutes too, a feed that
began an hour ago as well, and adding a record never takes a point away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kpis.definitions import Definition
from kpis.parts import RESOLUTIONS, Point, nothing

KNOWN_DAYS = 7
HOUR_SEC = 3600
DAY_SEC = 86400
DAY_MS = DAY_SEC * 1000
ALL_RECORDS = ""  # the KPI name under which every record of the service counts
Counts = dict[tuple[str, str, int], int]  # busiest hour by KPI ("" for any record), entity, day since the epoch


@dataclass(slots=True)
class Activity:
    """Records in the busiest hour per KPI, entity and day (since the epoch, UTC).

    Only integral KPIs are told apart: others see all records.
    """

    density: int = 1
    counts: Counts = field(default_factory=dict)
    _peaks: Counts = field(default_factory=dict)
    _entities: dict[str, list[str]] = field(default_factory=dict)

    def put(self, kpi: str, entity: str, day: int, records: int) -> None:
        """Sets a count. All counts are put before anything is asked."""
        if records:
            self.counts[kpi, entity, day] = records

    def peak(self, kpi: str, entity: str, day: int) -> int:
        """Records in the busiest hour of this day and the seven before."""
        key = (kpi, entity, day)
        found = self._peaks.get(key)
        if found is None:
            days = range(day - KNOWN_DAYS, day + 1)
            found = self._peaks[key] = max(self.counts.get((kpi, entity, other), 0) for other in days)
        return found

    def finest(self, entity: str, day: int) -> int:
        """Seconds of the finest resolution kept for an entity's series on a day."""
        peak = self.peak(ALL_RECORDS, entity, day)
        for resolution in RESOLUTIONS:
            if resolution < DAY_SEC and peak >= self.density * max(HOUR_SEC // resolution, 1):
                return resolution
        return RESOLUTIONS[-1]

    def known(self, definition: Definition, entity: str, day: int) -> bool:
        """Whether nothing happening is worth a point."""
        return self.peak(definition.id if definition.kind == "integral" else ALL_RECORDS, entity, day) > 0

    def days(self) -> set[int]:
        """Days on which something is known."""
        return {day + later for _, _, day in self.counts for later in range(KNOWN_DAYS + 1)}

    def entities(self, kpi: str = ALL_RECORDS) -> list[str]:
        """Every entity (`type:id`) that had a record, sorted."""
        if kpi not in self._entities:
            self._entities[kpi] = sorted({entity for name, entity, _ in self.counts if name == kpi})
        return self._entities[kpi]


def days_of(spans: Iterable[tuple[int, int]]) -> set[int]:
    """Days that spans (ms) touch."""
    return {day for start, end in spans for day in range(start // DAY_MS, -(-end // DAY_MS))}


def changed_days(before: Activity, after: Activity) -> set[int]:
    """Days on which a series became known, or finer, by records that came since: all their points are due again."""
    due = set()
    for (kpi, entity, day), records in after.counts.items():
        if before.counts.get((kpi, entity, day), 0) == records:
            continue
        for later in range(day, day + KNOWN_DAYS + 1):
            if later not in due and _class(before, kpi, entity, later) != _class(after, kpi, entity, later):
                due.add(later)
    return due


def _class(activity: Activity, kpi: str, entity: str, day: int) -> tuple[bool, int]:
    known = activity.peak(kpi, entity, day) > 0
    return known, activity.finest(entity, day) if known and kpi == ALL_RECORDS else 0


def fill(
    definition: Definition,
    activity: Activity,
    entities: Iterable[str],
    resolution_sec: int,
    buckets: range,
    present: set[tuple[str, int]],
    alive: Callable[[int], bool],
) -> Iterator[Point]:
    """Zeros and no_data of one count or integral KPI in these buckets; `present`: (entity, bucket) with records."""
    per_day = DAY_SEC // resolution_sec
    for entity in entities:
        day, wanted = -1, False
        for bucket in buckets:
            if bucket // per_day != day:
                day = bucket // per_day
                wanted = activity.finest(entity, day) <= resolution_sec and activity.known(definition, entity, day)
            if wanted and (entity, bucket) not in present:
                yield nothing(definition, entity, bucket, resolution_sec, alive=alive(bucket))
