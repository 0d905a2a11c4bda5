"""Incidents placed in time: scenario files, checked before anything is made from them.

A scenario file: `incidents:` a list of
    type: trunk_outage             a file of the library (`incidents/*.yml`)
    place: TG2                     an entity of the type's kind; also written trunk_group:TG2
    start: 2026-11-20T10:00:00Z    or "-62h" (before the end of the run), or {day: -3, time: "10:00"} (local, last day: -1)
    end: as start; or
    duration: 3h                   s, m, h or d; the type's usual one unless either is given
    strength: 0.85                 in the type's own measure; its default unless given
    shape: step                    step, ramp (grows to its end), bell, queue (grows, then drains faster)
    id: OUT-1                      its name in the truth file, made up unless given
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from contracts.clock import parse_iso
from contracts.entities import Entity
from contracts.errors import DefinitionError
from datagen.definitions import known, load, mapping, name, nearest, number, one_of, plain, shown
from datagen.library import MECHANISMS, SHAPES, IncidentType, read_types, span, time_of_day, words_of
from datagen.network import Network
from datagen.table import Floats, Ints

__all__ = ["MECHANISMS", "SHAPES", "Incident", "IncidentType", "read_scenario", "read_types"]
_QUEUE_TOP = 0.7  # part of its time after which a queue has grown to its longest


@dataclass(frozen=True, slots=True)
class Incident:
    """One disturbance, placed. Times are ms since 1970 UTC; `index` is the place's index in the network's list."""

    id: str
    type: IncidentType = field(repr=False)
    service: str
    place: Entity
    index: int
    start: int
    end: int
    strength: float
    shape: str

    @property
    def description(self) -> str:
        return self.type.description.format(place=self.place.id, strength=self.strength)

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end

    def level(self, times: Ints) -> Floats:
        """Share of its full strength at each time, 0–1; 0 outside."""
        x = (times - self.start) / (self.end - self.start)
        rise = {
            "step": np.ones_like(x),
            "ramp": x,
            "bell": np.sin(np.pi * x),
            "queue": np.minimum(x / _QUEUE_TOP, (1 - x) / (1 - _QUEUE_TOP)),
        }[self.shape]
        return np.where((x >= 0) & (x < 1), rise, 0.0)


def read_scenario(
    source: Path | Sequence[Mapping[str, Any]],
    network: Network,
    *,
    end: datetime,
    types: Mapping[str, IncidentType],
    start: datetime | None = None,
) -> tuple[Incident, ...]:
    """Placed incidents of a scenario file, or of rows as such a file has them, in its order. `start`, `end`: of the run.

    Raises DefinitionError that names file, position and the nearest right name on an unknown type, place or key, a bad
    time, an end before its start, a strength out of range, a time counted from the run's end that lies before its start,
    two incidents of one type at one place at the same time, or an id used twice.
    """
    where, rows = _rows(source)
    incidents: list[Incident] = []
    ids: set[str] = set()
    there: dict[tuple[str, Entity], list[tuple[int, Incident]]] = {}
    for position, row in enumerate(rows, 1):
        at = f"{where}: incident {position}"
        incident = _incident(row, at, position, network, end, types)
        _fits(incident, row, at, start)
        if incident.id in ids:
            raise DefinitionError(f"id {incident.id!r} is used twice", where=at)
        ids.add(incident.id)
        _agrees(incident, there.setdefault((incident.type.name, incident.place), []), at)
        there[incident.type.name, incident.place].append((position, incident))
        incidents.append(incident)
    return tuple(incidents)


def _rows(source: Path | Sequence[Mapping[str, Any]]) -> tuple[str, Sequence[Any]]:
    if not isinstance(source, Path):
        return "incidents", source
    content = load(source)
    known(content, str(source), ["incidents"])
    if not isinstance(content["incidents"], list):
        raise DefinitionError("incidents is not a list", where=str(source))
    return str(source), content["incidents"]


def _fits(incident: Incident, row: Mapping[str, Any], where: str, start: datetime | None) -> None:
    """A time that is counted from the end of the run means this run; a date may mean another part of the same traffic."""
    relative = isinstance(row["start"], dict) or str(row["start"]).strip().startswith("-")
    if start is not None and relative and incident.end <= _ms(start):
        raise DefinitionError(
            f"it is over before the run begins on {start.date()}", where=where, remedy="more days, or a later start"
        )


def _agrees(incident: Incident, others: Sequence[tuple[int, Incident]], where: str) -> None:
    """`others`: of the same type at the same place, with their positions."""
    for position, other in others:
        if other.overlaps(incident.start, incident.end):
            what = f"{incident.type.name} at {incident.place} overlaps incident {position}, which is the same there"
            raise DefinitionError(what, where=where, remedy="another time or place, or one longer incident")


def _incident(
    row: Any, where: str, position: int, network: Network, run_end: datetime, types: Mapping[str, IncidentType]
) -> Incident:
    known(mapping(row, where), where, ["type", "place", "start"], ["end", "duration", "strength", "shape", "id"])
    kind = types[one_of(row["type"], types, f"{where}: type")]
    place, index = _place(row["place"], kind, network, f"{where}: place")
    start = _moment(row["start"], run_end, network, f"{where}: start")
    try:
        end = _end(row, start, kind, run_end, network, where)
    except OverflowError as problem:
        raise DefinitionError("its end is beyond the calendar", where=where) from problem
    if end <= start:
        raise DefinitionError(f"its end {end.isoformat()} is not after its start {start.isoformat()}", where=where)
    if end - start > kind.longest:
        what = f"it lasts {end - start}; a {kind.name} lasts at most {words_of(kind.longest)}"
        raise DefinitionError(what, where=where)
    default, low, high = kind.strength
    return Incident(
        id=name(row.get("id", f"{kind.name}-{position}"), f"{where}: id"),
        type=kind,
        service=kind.service_at(place.type, place.id),
        place=place,
        index=index,
        start=_ms(start),
        end=_ms(end),
        strength=number(row.get("strength", default), f"{where}: strength", low, high),
        shape=one_of(row.get("shape", kind.shape), SHAPES, f"{where}: shape"),
    )


def _place(value: Any, kind: IncidentType, network: Network, where: str) -> tuple[Entity, int]:
    text = plain(value, where)
    kinds = [Entity.parse(text)] if ":" in text else [Entity(one, text) for one in kind.places]
    if kinds[0].type not in kind.places:
        places = " or ".join(kind.places)
        raise DefinitionError(f"{shown(text)} is a {kinds[0].type}; {kind.name} strikes a {places}", where=where)
    names: list[str] = []
    for entity in kinds:
        names += kind.suitable(network, entity.type)
        if entity.id in names:
            return entity, network.names(entity.type).index(entity.id)
        if entity.id in network.names(entity.type):
            what = f"{kind.name} strikes a {entity.type} of {kind.callers} callers, which {entity.id} is not"
            raise DefinitionError(what, where=where, remedy=f"one of {', '.join(names)}")
    what = f"there is no {' or '.join(entity.type for entity in kinds)} {shown(kinds[0].id)} in the network"
    raise DefinitionError(what + nearest(kinds[0].id, names), where=where, remedy=f"one of {', '.join(names)}")


def _end(
    row: Mapping[str, Any], start: datetime, kind: IncidentType, run_end: datetime, network: Network, where: str
) -> datetime:
    if "end" in row and "duration" in row:
        raise DefinitionError("has both end and duration; needs either end or duration", where=where)
    if "end" in row:
        return _moment(row["end"], run_end, network, f"{where}: end")
    return start + (span(row["duration"], f"{where}: duration") if "duration" in row else kind.duration)


def _moment(value: Any, run_end: datetime, network: Network, where: str) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return _local(value, run_end, network, where)
    text = plain(value, where).strip()
    if text.startswith("-"):
        return run_end - span(text[1:], where)
    try:
        return parse_iso(text)
    except ValueError as problem:
        example = '2026-11-20T10:00:00Z, "-62h" or {day: -3, time: "10:00"}'
        raise DefinitionError(f"{shown(text)} is not a time", where=where, remedy=f"write {example}") from problem


def _local(value: Mapping[str, Any], run_end: datetime, network: Network, where: str) -> datetime:
    """`{day: -1, time: "10:00"}`: local time on the last day that the run covers, or on one before it."""
    known(mapping(value, where), where, ["day", "time"])
    day = int(number(value["day"], f"{where}.day", -3660, -1))
    hour, minute = time_of_day(value["time"], f"{where}.time")
    last: date = (run_end.astimezone(network.zone) - timedelta(microseconds=1)).date()
    target = last + timedelta(days=day + 1)
    local = datetime(target.year, target.month, target.day, hour, minute, tzinfo=network.zone)
    return local.astimezone(UTC)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
