"""Anomalies of one cause become one incident, named by the likeliest place of the cause.

1. An anomaly is *explained* by one at another entity of the same service and family that overlaps it and is stronger
   over the same time (`Evidence.strength`: how much is lost there × how much of the service's loss that is). So a trunk's
   outage explains the service's dip, an SBC's jitter that of the trunks behind it, and the service its parts where all
   lost the same.
2. Anomalies that nothing explains are roots. Roots of one family belong together when they are at one entity, at
   entities of one type and began together, or at entities of two types and equally strong.
3. Groups of different families (calls fail *and* traffic falls) belong together when they have a root entity in common,
   when the one's KPI is worse at the other's root than at its own, or when the one shows at the service as such and the
   other at a part of it (media quality, which comes and goes apart from the rest, only at a part that shows it too).
   Otherwise they stay apart, even in one service.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from contracts.entities import Entity
from contracts.ids import joined
from detectors.evidence import Evidence
from detectors.findings import Anomaly, Incident
from detectors.wording import entity_words

STRONGER = 1.1  # this much stronger: the cause is there and not here
GAP_BUCKETS = 2
T = TypeVar("T")


@dataclass(slots=True)
class _Group:
    members: list[Anomaly]
    roots: list[Anomaly]

    @property
    def root_entities(self) -> set[Entity]:
        return {one.series.entity for one in self.roots}


def group(anomalies: Iterable[Anomaly], evidence: Evidence) -> list[Incident]:
    """Incidents of `anomalies` (standing ones make none), earliest detection first; ids of ones never seen before."""
    alive = sorted((one for one in anomalies if not one.standing), key=lambda one: (one.detected, one.start, one.id))
    explained = {one.id: _explanation(one, alive, evidence) for one in alive}
    roots = {one.id: _root(one, explained) for one in alive}
    groups = _family_groups(alive, roots)
    groups = _joined_across_families(groups, evidence)
    found = [_incident(one, evidence) for one in groups]
    return sorted(found, key=lambda one: (one.detected, one.start, one.id))


def touch(one: Anomaly, other: Anomaly) -> bool:
    """Whether they overlap in time, two of the coarser buckets allowed between them."""
    gap = GAP_BUCKETS * 1000 * max(one.step_sec, other.step_sec) if max(one.step_sec, other.step_sec) < 86400 else 0
    return one.start < other.end + gap and other.start < one.end + gap


def _explanation(one: Anomaly, others: list[Anomaly], evidence: Evidence) -> Anomaly | None:
    """The anomaly at another entity that explains `one` best, or None."""
    best, most = None, 0.0
    for other in others:
        if _comparable(one, other):
            here, there = _both_strengths(one, other, evidence)
            least = here / STRONGER if other.series.entity.type == "service" else here * STRONGER
            if there >= least and there > most:
                best, most = other, there
    return best


def _comparable(one: Anomaly, other: Anomaly) -> bool:
    return (
        one.series.service == other.series.service
        and one.family == other.family
        and one.series.entity.type != other.series.entity.type
        and touch(one, other)
    )


def _both_strengths(one: Anomaly, other: Anomaly, evidence: Evidence) -> tuple[float, float]:
    """Strength of both as explanation of `one`: in its KPI where both places have it, else each in its own."""
    start, end = _common_time(one, other)
    here = evidence.strength(one.series, one.series.entity, start, end)
    there = evidence.strength(one.series, other.series.entity, start, end)
    if not (math.isnan(here) or math.isnan(there)):
        return here, there
    own = evidence.strength(other.series, other.series.entity, start, end)
    return _or(here, _weight(one)), _or(own, _weight(other))


def _or(value: float, instead: float) -> float:
    return instead if math.isnan(value) else value


def _common_time(one: Anomaly, other: Anomaly) -> tuple[int, int]:
    """The time that both share, out to whole buckets of the coarser."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    if start >= end:
        start, end = one.start, one.end
    step = 1000 * max(one.step_sec, other.step_sec)
    return start - start % step, end + -end % step


def _root(one: Anomaly, explained: dict[str, Anomaly | None]) -> Anomaly:
    seen = {one.id}
    while (above := explained[one.id]) is not None and above.id not in seen:
        one = above
        seen.add(one.id)
    return one


def _family_groups(alive: list[Anomaly], roots: dict[str, Anomaly]) -> list[_Group]:
    unique = list({root.id: root for root in roots.values()}.values())
    groups = []
    for cluster in _clusters(unique, _same_cause):
        ids = {one.id for one in cluster}
        groups.append(_Group([one for one in alive if roots[one.id].id in ids], cluster))
    return groups


def _same_cause(one: Anomaly, other: Anomaly) -> bool:
    a, b = one.series, other.series
    if a.service != b.service or one.family != other.family or not touch(one, other):
        return False
    if a.entity.type != b.entity.type:  # neither explains the other: equally strong
        return True
    together = abs(one.start - other.start) <= GAP_BUCKETS * 1000 * max(one.step_sec, other.step_sec)
    return a.entity == b.entity or together


def _joined_across_families(groups: list[_Group], evidence: Evidence) -> list[_Group]:
    merged = []
    for cluster in _clusters(groups, lambda a, b: _one_story(a, b, evidence)):
        members = sorted((one for part in cluster for one in part.members), key=lambda one: (one.detected, one.id))
        merged.append(_Group(members, [one for part in cluster for one in part.roots]))
    return merged


def _one_story(a: _Group, b: _Group, evidence: Evidence) -> bool:
    pairs = [(x, y) for x in a.roots for y in b.roots if x.series.service == y.series.service and touch(x, y)]
    if not pairs:
        return False
    if any(x.series.entity == y.series.entity and x.series.entity.type != "service" for x, y in pairs):
        return True
    if any({x.family, y.family} & {"feed"} for x, y in pairs):
        return True
    if _within(a, b) or _within(b, a):
        return True
    return any(_worse_there(x, y, evidence) or _worse_there(y, x, evidence) for x, y in pairs)


def _within(part: _Group, whole: _Group) -> bool:
    """Whether `whole` shows at its service as such, and `part` at a place of it that `whole` shows at too, or may."""
    if any(entity.type != "service" for entity in whole.root_entities):
        return False
    if "quality" not in (part.roots[0].family, whole.roots[0].family):
        return True
    places = {one.series.entity for one in whole.members if one.series.entity.type != "service"}
    return not places.isdisjoint(part.root_entities)


def _worse_there(one: Anomaly, other: Anomaly, evidence: Evidence) -> bool:
    """Whether `one`'s KPI is worse at `other`'s entity than at its own: the cause of both is there."""
    start, end = _common_time(one, other)
    here = evidence.strength(one.series, one.series.entity, start, end)
    there = evidence.strength(one.series, other.series.entity, start, end)
    return there >= STRONGER * here


def _clusters(items: list[T], related: Callable[[T, T], bool]) -> list[list[T]]:
    """Connected components of `items` under `related`, in the order of their first items."""
    leader = list(range(len(items)))

    def find(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    for i, j in combinations(range(len(items)), 2):
        if find(i) != find(j) and related(items[i], items[j]):
            first, second = sorted((find(i), find(j)))
            leader[second] = first
    clusters: dict[int, list[T]] = {}
    for index, item in enumerate(items):
        clusters.setdefault(find(index), []).append(item)
    return list(clusters.values())


def _incident(group: _Group, evidence: Evidence) -> Incident:
    power = {
        one.id: _or(evidence.strength(one.series, one.series.entity, one.start, one.end), _weight(one))
        for one in group.members
    }
    roots = sorted(group.roots, key=lambda one: (*_narrowest(one), -power[one.id], -one.score, one.id))
    others = sorted(group.members, key=lambda one: (-power[one.id], -one.score, one.id))
    entities = tuple(dict.fromkeys(one.series.entity for one in (*roots, *others)))
    head = roots[0]
    first = min(group.members, key=lambda one: (one.detected, one.id))
    return Incident(
        joined(("incident", first.id)),
        tuple(group.members),
        entities,
        _title(group, head),
        _reason(group, head, entities),
    )


def _narrowest(root: Anomaly) -> tuple[bool, bool]:
    """Order of roots: a silent feed leaves nothing else to say; a part says more than the service as such."""
    return root.detector != "feed", root.series.entity.type == "service"


def _weight(one: Anomaly) -> float:
    return 0.0 if math.isnan(one.effect) else one.effect


def _title(group: _Group, head: Anomaly) -> str:
    """`NER, ASR low at trunk group TG2`."""
    if head.detector == "feed":
        return f"silent feed: {entity_words(head.series.entity)}"
    at_head = [one for one in group.members if one.series.entity == head.series.entity]
    parts = []
    for direction in ("low", "high"):
        ranked = sorted((one for one in at_head if one.direction == direction), key=lambda one: -one.score)
        aliases = list(dict.fromkeys(one.alias for one in ranked))
        if aliases:
            parts.append((f"{', '.join(aliases[:3])} {direction}", ranked[0].score))
    parts.sort(key=lambda part: -part[1])
    return f"{', '.join(text for text, _ in parts)} at {entity_words(head.series.entity)}"


def _reason(group: _Group, head: Anomaly, entities: tuple[Entity, ...]) -> str:
    """The strongest reason at the likeliest place, and where else it shows."""
    at_head = [one for one in group.members if one.series.entity == head.series.entity]
    strongest = max(at_head, key=lambda one: (one.score, one.detector != "threshold", _weight(one), one.id))
    others = [entity_words(entity) for entity in entities if entity != head.series.entity]
    if not others:
        return strongest.reason
    shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    return f"{strongest.reason}. Also seen at {shown}"
