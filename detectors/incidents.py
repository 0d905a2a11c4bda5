"""Anomalies of one cause become one incident, named by the likeliest place of the cause.

1. An anomaly is *explained* by one at another entity of the same service and family that lasts through enough of it and is
   stronger over the same time (`Evidence.strength`: how much is lost there × how much of the service's loss that is). So a
   trunk's outage explains the service's dip, an SBC's jitter that of the trunks behind it, and the service its parts where all
   lost the same.
2. Anomalies that nothing explains are roots. The strongest becomes the head of an incident; each other root, strongest first,
   joins the head that it is related to, or becomes a head itself. Related is what began together; what shows at the same
   entity, or again there soon, or with a like effect within 36 hours, never whole in between; and what lies in the head's time
   and is no worse at its own place than at the head's. Relation is to what shows at the head's place alone, so that incidents
   which follow or overlap each other are not chained into one; a fraud is never one with what it leaves as it is (calls of a SIM
   box are answered). Heads that turn out to be related in the end are joined.
3. What is explained goes where its root went if it is related to that head, else to the head it is related to most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.entities import Entity
from contracts.ids import joined
from detectors.evidence import Evidence
from detectors.findings import SECONDARY, Anomaly, Incident
from detectors.wording import also_at, joint_title, silent_title, title

STRONGER = 1.1  # this much stronger: the cause is there and not here
GAP_BUCKETS = 2
LEAST_COMMON = 0.3  # share of the time that two of one cause have in common
MOSTLY = 0.5
TOGETHER_MS = 900_000  # starts within a quarter of an hour are one
DAY_MS = 86_400_000
AGAIN_MS = 36 * 3_600_000  # a fault that shows with the traffic shows again after the night, be it a quiet day's
LASTING = ("effectiveness", "quality", "delay")  # families in which a fault does so
SOON_MS = (
    21_600_000  # the same trouble at the same place within six hours is the same incident, however large it is now
)
LIKE = 4.0  # effects within this factor
LEFT_ALONE = {  # what a fraud leaves as it is: calls of a SIM box are answered, and soon; those of Wangiri ring at least
    "voip.sim_box_share": frozenset({"voip.ner", "voip.asr", "voip.pdd_p95"}),
    "voip.wangiri_share": frozenset({"voip.ner", "voip.pdd_p95"}),
}
STILL_LOST = 0.3  # share of its effect that a fault keeps where it does not show
SUSPECT = 3.0  # −log10 p from which on a part is named for what shows at its service as such
LACKING = 0.5  # the same for what must be missing somewhere
NAMED = 0.2  # share of the head's strength from which on a place is named
ALIKE = 0.5  # share of the head's strength from which on a place without an anomaly of its own is


@dataclass(slots=True)
class _Group:
    """`roots`: its head first. `located`: by anomaly id, the likeliest place of its cause."""

    members: list[Anomaly]
    roots: list[Anomaly]
    located: Mapping[str, Entity]

    @property
    def head(self) -> Anomaly:
        return self.roots[0]

    @property
    def core(self) -> list[Anomaly]:
        """What shows at the head's place as the head does: one anomaly a day where the fault shows with the traffic."""
        head = self.head
        same = (self.located[head.id], head.family, head.direction)
        there = [one for one in self.members if (one.series.entity, one.family, one.direction) == same]
        return there if head in there else [head, *there]


def group(anomalies: Iterable[Anomaly], evidence: Evidence) -> list[Incident]:
    """Incidents of `anomalies` (standing ones make none), earliest detection first; ids of ones never seen before."""
    alive = sorted((one for one in anomalies if not one.standing), key=lambda one: (one.detected, one.start, one.id))
    explained = {one.id: _explanation(one, alive, evidence) for one in alive}
    roots = {one.id: _root(one, explained) for one in alive}
    power = {one.id: _power(one, evidence) for one in alive}
    located = {one.id: _place(one, power[one.id], evidence) for one in alive}
    groups = _headed([one for one in alive if roots[one.id].id == one.id], power, located, evidence)
    for one in alive:
        if roots[one.id].id != one.id:
            _join(one, roots[one.id], groups, located, evidence)
    groups = _merged(groups, evidence)
    for each in groups:
        each.members.sort(key=lambda one: (one.detected, one.id))
    found = [_incident(one, power, evidence) for one in groups]
    return sorted(found, key=lambda one: (one.detected, one.start, one.id))


def _power(one: Anomaly, evidence: Evidence) -> float:
    if one.family in SECONDARY:
        return 0.0
    return _or(evidence.strength(one.series, one.series.entity, one.start, one.end), _weight(one))


def _place(one: Anomaly, own: float, evidence: Evidence) -> Entity:
    """Where the cause of an anomaly is likeliest: at its own entity unless its KPI is clearly worse at another."""
    if one.detector == "feed":
        return one.series.entity
    place, strength = evidence.place(one.series, one.start, one.end)
    return place if strength >= STRONGER * own else one.series.entity


def _headed(
    roots: list[Anomaly], power: dict[str, float], located: Mapping[str, Entity], evidence: Evidence
) -> list[_Group]:
    groups: list[_Group] = []
    for one in sorted(roots, key=lambda one: (one.detector != "feed", -power[one.id], -one.score, one.id)):
        best = _nearest(one, groups, evidence)
        if best is None:
            groups.append(_Group([one], [one], located))
        else:
            best.members.append(one)
            best.roots.append(one)
    return groups


def _merged(groups: list[_Group], evidence: Evidence) -> list[_Group]:
    """Groups at one place whose parts met only when all was placed."""
    kept: list[_Group] = []
    for each in groups:
        into = next((other for other in kept if _same_story(other, each, evidence)), None)
        if into is None:
            kept.append(each)
        else:
            into.members += each.members
            into.roots += each.roots
    return kept


def _same_story(a: _Group, b: _Group, evidence: Evidence) -> bool:
    """Whether two groups are at one place and of one family, and their cores meet or are one fault that shows again.

    Or whether both have something that nothing explains, of one place or from one moment on, at much the same time.
    """
    if _apart(a.members, b.members):
        return False
    if any(_explains_lack(one, b.head, evidence) for one in a.members) or any(
        _explains_lack(one, a.head, evidence) for one in b.members
    ):
        return True
    if any(_same_trouble(one, two, a.located, b.located) for one in a.roots for two in b.roots):
        return True
    heads = [(one.located[one.head.id], one.head.family, one.head.series.service) for one in (a, b)]
    return heads[0] == heads[1] and any(
        touch(one, two) or _again(one, two, evidence) for one in a.core for two in b.core
    )


def _explains_lack(one: Anomaly, lack: Anomaly, evidence: Evidence) -> bool:
    """Whether `one` is a fraud whose calls are those that are missing where `lack` shows it."""
    if one.family != "fraud" or lack.family != "traffic" or lack.direction != "low" or not touch(one, lack):
        return False
    return evidence.missing(one.series, one.start, one.end, LACKING) == lack.series.entity


def _same_trouble(one: Anomaly, two: Anomaly, placed: Mapping[str, Entity], other: Mapping[str, Entity]) -> bool:
    if one.family == two.family and began_together(one, two) and _common_share(one, two) >= MOSTLY:
        return one.series.service == two.series.service
    place = placed[one.id]
    if place != other[two.id] or place.type == "service" or one.series.service != two.series.service:
        return False
    if not touch(one, two) or _common_share(one, two) >= LEAST_COMMON:
        return touch(one, two)
    inside = min(one.end, two.end) - max(one.start, two.start) >= MOSTLY * min(one.end - one.start, two.end - two.start)
    return inside and one.family == two.family and max(one.end - one.start, two.end - two.start) <= DAY_MS


def _join(one: Anomaly, root: Anomaly, groups: list[_Group], located: Mapping[str, Entity], evidence: Evidence) -> None:
    best = next((each for each in groups if root in each.roots and _related(each, one, evidence)), None)
    if best is None or _apart(best.members, [one]):
        best = _nearest(one, groups, evidence)
    if best is None:
        groups.append(_Group([one], [one], located))
    else:
        best.members.append(one)


def _nearest(one: Anomaly, groups: list[_Group], evidence: Evidence) -> _Group | None:
    """The group to which `one` is related, that with most time in common."""
    related = [each for each in groups if not _apart(each.members, [one]) and _related(each, one, evidence)]
    return max(related, key=lambda each: max(_closeness(core, one) for core in each.core), default=None)


def _closeness(core: Anomaly, one: Anomaly) -> tuple[bool, float]:
    return began_together(core, one), _common_share(core, one)


def _related(group: _Group, one: Anomaly, evidence: Evidence) -> bool:
    place = group.located[group.head.id]
    if group.located[one.id] == place and any(_again(core, one, evidence) for core in group.core):
        return True
    return any(_shows_cause(core, one, evidence) for core in group.core)


def _shows_cause(core: Anomaly, one: Anomaly, evidence: Evidence) -> bool:
    """Whether `one` shows what is the matter at the place of `core`."""
    if core.series.service != one.series.service or not touch(core, one):
        return False
    if began_together(core, one) or "feed" in (core.family, one.family):
        return True
    if core.series.entity == one.series.entity and one.series.entity.type != "service":
        return True
    if core.series.entity == one.series.entity:
        return core.family == one.family or _common_share(core, one) >= LEAST_COMMON
    if core.series.entity.type == "service" and core.family == one.family and _common_share(core, one) >= LEAST_COMMON:
        return True  # the part that the whole shows
    common = min(core.end, one.end) - max(core.start, one.start)
    if one.series.entity.type == core.series.entity.type or common < MOSTLY * min(
        core.end - core.start, one.end - one.start
    ):
        return False  # parts of one kind do not show each other's trouble
    start, end = _common_time(core, one)
    here = evidence.strength(one.series, one.series.entity, start, end)
    there = evidence.strength(one.series, core.series.entity, start, end)
    if not math.isnan(there):
        return there * STRONGER >= _or(here, 0.0)
    inside = common >= MOSTLY * (one.end - one.start) and _weight(one) < _weight(core)
    return _common_share(core, one) >= LEAST_COMMON or (inside and core.end - core.start <= DAY_MS)


def _apart(some: Iterable[Anomaly], others: Iterable[Anomaly]) -> bool:
    """Whether no one cause shows as all of these: a fraud, and what that leaves as it is."""
    a, b = ({one.series.kpi for one in each} for each in (some, others))
    return any(kpi in x and not y.isdisjoint(left) for x, y in ((a, b), (b, a)) for kpi, left in LEFT_ALONE.items())


def _again(core: Anomaly, one: Anomaly, evidence: Evidence) -> bool:
    """Whether a fault of before shows again: same family and direction; soon, or a like effect and never whole in between."""
    if (core.series.service, core.family, core.direction) != (one.series.service, one.family, one.direction):
        return False
    if core.family not in LASTING:
        return False
    effects = sorted((_weight(core), _weight(one)))
    begin, end = min(one.end, core.end), max(one.start, core.start)
    if end - begin <= SOON_MS and core.series.entity == one.series.entity and one.series.entity.type != "service":
        return True
    if end - begin > AGAIN_MS or effects[1] > LIKE * max(effects[0], 1e-9):
        return False
    between = evidence.effect(core.series, begin, end)
    return end <= begin or math.isnan(between) or between >= STILL_LOST * effects[0]


def touch(one: Anomaly, other: Anomaly) -> bool:
    """Whether they overlap in time, two of the coarser buckets allowed between them."""
    gap = GAP_BUCKETS * 1000 * max(one.step_sec, other.step_sec) if max(one.step_sec, other.step_sec) < 86400 else 0
    return one.start < other.end + gap and other.start < one.end + gap


def _explanation(one: Anomaly, others: list[Anomaly], evidence: Evidence) -> Anomaly | None:
    """The anomaly at another entity that explains `one` best, or None."""
    best, most = None, 0.0
    for other in others:
        if _comparable(one, other) and _covers(other, one):
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


def _covers(other: Anomaly, one: Anomaly) -> bool:
    """Whether `other` lasts through enough of `one` to be its cause: what began and ended within it is another matter."""
    common = min(one.end, other.end) - max(one.start, other.start)
    return common >= LEAST_COMMON * (one.end - one.start) or began_together(one, other)


def began_together(one: Anomaly, other: Anomaly) -> bool:
    return abs(one.start - other.start) <= max(TOGETHER_MS, GAP_BUCKETS * 1000 * max(one.step_sec, other.step_sec))


def _common_share(one: Anomaly, other: Anomaly) -> float:
    """Common time as a share of the time from the first start to the last end."""
    common = min(one.end, other.end) - max(one.start, other.start)
    return max(common, 0) / max(max(one.end, other.end) - min(one.start, other.start), 1)


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


def _incident(group: _Group, power: dict[str, float], evidence: Evidence) -> Incident:
    roots = sorted(group.roots, key=lambda one: (*_narrowest(one), -power[one.id], -one.score, one.id))
    others = sorted(group.members, key=lambda one: (-power[one.id], -one.score, one.id))
    head = roots[0]
    least = NAMED * max(power[one.id] for one in roots)
    named = [
        one.series.entity
        for one in (*roots, *others)
        if power[one.id] >= least or one.series.entity == head.series.entity
    ]
    place = group.located[head.id]
    suspects = _suspects(group, head, evidence)
    alike = evidence.alike(head.series, head.start, head.end, ALIKE) if head.detector != "feed" else []
    entities = tuple(dict.fromkeys([head.series.entity, place, *suspects, *named, *alike]))
    first = min(group.members, key=lambda one: (one.detected, one.id))
    return Incident(
        joined(("incident", first.id)),
        tuple(group.members),
        entities,
        _title(group, head),
        _reason(group, head, entities),
    )


def _suspects(group: _Group, head: Anomaly, evidence: Evidence) -> list[Entity]:
    """Where calls of fraud are missing; where only the service as such shows it: the part that strays most over the same time."""
    frauds = [place for one in group.members if one.family == "fraud" for place in _fraud_places(one, evidence)]
    if frauds:
        return frauds
    if group.located[head.id].type != "service" or head.detector == "feed":
        return []
    found = evidence.suspects(head.series.service, head.start, head.end)
    return [found[0].entity] if found and found[0].surprise >= SUSPECT else []


def _fraud_places(one: Anomaly, evidence: Evidence) -> list[Entity]:
    """Where the fraud's calls come in most, and where they are missing instead."""
    lacking = evidence.missing(one.series, one.start, one.end, LACKING)
    comes_in, _ = evidence.place(one.series, one.start, one.end)
    return [place for place in (comes_in, lacking) if place is not None and place.type != "service"]


def _narrowest(root: Anomaly) -> tuple[bool, bool]:
    """Order of roots: a silent feed leaves nothing else to say; a part says more than the service as such."""
    return root.detector != "feed", root.series.entity.type == "service"


def _weight(one: Anomaly) -> float:
    """Its effect; of values in the records none, since they show what is the matter and not where."""
    return 0.0 if math.isnan(one.effect) or one.family in SECONDARY else one.effect


def _title(group: _Group, head: Anomaly) -> str:
    """`NER, ASR low at trunk group TG2`."""
    if head.detector == "feed":
        return silent_title(head.series.entity)
    if head.detector == "joint":
        return joint_title(head.alias, head.series.entity)
    at_head = [one for one in group.members if one.series.entity == head.series.entity and one.detector != "joint"]
    parts = []
    for direction in ("low", "high"):
        ranked = sorted((one for one in at_head if one.direction == direction), key=lambda one: -one.score)
        aliases = list(dict.fromkeys(one.alias for one in ranked))
        if aliases:
            parts.append((", ".join(aliases[:3]), direction, ranked[0].score))
    parts.sort(key=lambda part: -part[2])
    return title([(aliases, direction) for aliases, direction, _ in parts], head.series.entity)


def _reason(group: _Group, head: Anomaly, entities: tuple[Entity, ...]) -> str:
    """The strongest reason at the likeliest place, and where else it shows."""
    at_head = [one for one in group.members if one.series.entity == head.series.entity]
    strongest = max(at_head, key=lambda one: (one.score, one.detector != "threshold", _weight(one), one.id))
    return also_at(strongest.reason, [entity for entity in entities if entity != head.series.entity])
