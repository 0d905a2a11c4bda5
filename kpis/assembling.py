"""From parts to points: which are kept at a resolution, and zeros and no_data between them. Shared with the twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kpis.definitions import Definition
from kpis.parts import Key, Parts, Point, point
from kpis.presence import ALL_RECORDS, DAY_SEC, Activity, fill
from kpis.spans import Span


def kept(
    definitions: Mapping[str, Definition], activity: Activity, resolution_sec: int, found: Mapping[Key, Parts]
) -> Iterator[Point]:
    """A point for each parts of an entity that is kept at this resolution on that day."""
    per_day = DAY_SEC // resolution_sec
    for key, parts in found.items():
        if activity.finest(key.entity, key.bucket // per_day) <= resolution_sec:
            one = point(definitions[key.kpi], key.entity, key.bucket, resolution_sec, parts)
            if one is not None:
                yield one


def filled(
    definitions: Mapping[str, Definition],
    activity: Activity,
    resolution_sec: int,
    found: Mapping[Key, Parts],
    alive: Callable[[int], bool],
    buckets: range,
) -> Iterator[Point]:
    """Zeros and no_data of counts and integrals in buckets that are over. `alive`: whether a bucket's feed is proven."""
    for definition in definitions.values():
        if definition.counted:
            spread = definition.kind == "integral"
            there = {key[1:] for key, parts in found.items() if key.kpi == definition.id and parts.samples}
            names = activity.entities(definition.id if spread else ALL_RECORDS)
            entities = [name for name in names if name.partition(":")[0] in definition.dimensions]
            yield from fill(definition, activity, entities, resolution_sec, buckets, there, alive)


def taken_back(standing: Iterable[Key], points: Iterable[Point], resolution_sec: int) -> Iterator[Point]:
    """A point without samples for each that stands where nothing is behind it: its records were taken into a call elsewhere."""
    made = {(point.kpi, point.entity, point.bucket_ms) for point in points}
    for kpi, entity, bucket in standing:
        start = bucket * resolution_sec * 1000
        if (kpi, entity, start) not in made:
            yield Point(kpi, entity, start, None, None, None, 0, "insufficient_data", "")


def over(window: Span, resolution_sec: int, until: int) -> range:
    """Buckets of a window that have ended by `until` (ms)."""
    step = resolution_sec * 1000
    return range(window[0] // step, min(window[1], until - until % step) // step)
