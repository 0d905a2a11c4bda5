"""Ids that stay: what is found again with more or later data is the finding of before, revised.

An anomaly is the stored one of the same detector, KPI, entity and direction that it overlaps (or follows within its
rule's gap). An incident is the stored one that shares most of its anomalies. What is no longer found is withdrawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from detectors.findings import Anomaly, Incident


@dataclass(frozen=True, slots=True)
class Known:
    """A stored anomaly: what is needed to know it again. Times in epoch ms; `incident` may be empty."""

    id: str
    key: tuple[str, ...]
    start: int
    end: int
    detected: int
    incident: str
    reason: str = ""


def key_of(one: Anomaly) -> tuple[str, ...]:
    return (one.detector, one.series.kpi, str(one.series.entity), one.series.service, one.direction)


def keep_anomalies(
    found: Sequence[Anomaly], known: Iterable[Known], *, window_start: int, gap_ms: Mapping[str, int]
) -> list[Anomaly]:
    """`found` with the ids of `known` where they are the same; best overlap first, each id once.

    One that began before `window_start`, where nothing was judged again, keeps its start and its time of detection.
    """
    by_key: dict[tuple[str, ...], list[Known]] = {}
    for row in known:
        by_key.setdefault(row.key, []).append(row)
    pairs = []
    for place, one in enumerate(found):
        for row in by_key.get(key_of(one), []):
            common = min(one.end, row.end) - max(one.start, row.start)
            if common > -gap_ms.get("standing" if one.standing else one.detector, 0):
                pairs.append((-common, place, row.id, row))
    taken: dict[int, Known] = {}
    used: set[str] = set()
    for _, place, _, row in sorted(pairs, key=lambda pair: pair[:3]):
        if place not in taken and row.id not in used:
            taken[place] = row
            used.add(row.id)
    kept = [_kept(one, taken.get(place), window_start) for place, one in enumerate(found)]
    return _unique(kept, used)


def _kept(one: Anomaly, row: Known | None, window_start: int) -> Anomaly:
    if row is None:
        return one
    if row.start < window_start:
        return replace(one, id=row.id, start=min(one.start, row.start), detected=min(one.detected, row.detected))
    return replace(one, id=row.id)


def _unique(anomalies: list[Anomaly], used: set[str]) -> list[Anomaly]:
    """An id made anew must not be one that another anomaly has kept."""
    seen: set[str] = set()
    result = []
    for one in anomalies:
        identity = one.id
        while identity in seen:
            identity = identity[1:] + identity[0]
        seen.add(identity)
        result.append(one if identity == one.id else replace(one, id=identity))
    return result


def keep_incidents(found: Sequence[Incident], incident_of: Mapping[str, str]) -> list[Incident]:
    """`found` with stored ids. `incident_of`: anomaly id → stored incident id. Each stored id goes to one incident."""
    votes = []
    for place, one in enumerate(found):
        shared = Counter(incident_of[part.id] for part in one.anomalies if incident_of.get(part.id))
        votes += [(-count, place, identity) for identity, count in shared.items()]
    taken: dict[int, str] = {}
    for _, place, identity in sorted(votes):
        if place not in taken and identity not in taken.values():
            taken[place] = identity
    fresh = set(taken.values())
    result = []
    for place, one in enumerate(found):
        identity = taken.get(place, one.id)
        while place not in taken and identity in fresh:  # its first anomaly moved to another incident that kept the id
            identity = identity[1:] + identity[0]
        fresh.add(identity)
        result.append(replace(one, id=identity))
    return result
