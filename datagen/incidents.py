"""Incidents as data: the library of types (`incidents/*.yml`) and scenario files that place them in time.

A scenario file: `incidents:` a list of
    type: trunk_outage             a file of the library
    place: TG2                     an entity of the type's kind; also written trunk_group:TG2
    start: 2026-11-20T10:00:00Z    or "-62h" (before the end of the run), or {day: -3, time: "10:00"} (local, last day: -1)
    end: as start; or
    duration: 3h                   s, m, h or d
    strength: 0.85                 in the type's own measure; its default unless given
    shape: step                    step, ramp (grows to its end), bell, queue (grows, then drains faster)
    id: OUT-1                      its name in the truth file, made up unless given
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from contracts.clock import parse_iso
from contracts.entities import ENTITY_TYPES, Entity
from contracts.errors import DefinitionError
from datagen.behaviour import Endings, endings
from datagen.definitions import FOLDER, known, load, mapping, name, nearest, number, one_of
from datagen.network import Network
from datagen.table import Floats, Ints

SHAPES = ("step", "ramp", "bell", "queue")
MECHANISMS: Mapping[str, Mapping[str, tuple[float, float]]] = {  # parameters of each that are numbers, with bounds
    "fail_calls": {},
    "disturb_media": {"loss": (0, 1), "shorter": (0, 0.99)},
    "delay_messages": {"sigma": (0, 3), "priority": (0, 1), "expired_error": (0, 255)},
    "squeeze_sessions": {"throughput": (0, 1)},
    "silence": {},
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_QUEUE_TOP = 0.7  # part of its time after which a queue has grown to its longest


@dataclass(frozen=True, slots=True)
class IncidentType:
    """A file of the library. `place` is an entity type; `service` "any" takes the place's own name."""

    name: str
    service: str
    place: str
    mechanism: str
    strength: tuple[float, float, float]  # default, low, high
    shape: str
    figures: Mapping[str, float]
    failures: Endings | None
    kpis: tuple[str, ...]
    description: str


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


def read_types(folder: Path = FOLDER / "incidents") -> dict[str, IncidentType]:
    """The library by name. Raises DefinitionError that names file and key."""
    return {path.stem: _type(path.stem, load(path), str(path)) for path in sorted(folder.glob("*.yml"))}


def _type(stem: str, row: dict[str, Any], where: str) -> IncidentType:
    keys = ["service", "place", "mechanism", "strength", "shape", "parameters", "kpis", "description"]
    known(row, where, keys)
    mechanism = one_of(row["mechanism"], MECHANISMS, f"{where}: mechanism")
    strength = mapping(row["strength"], f"{where}: strength")
    known(strength, f"{where}: strength", ["default", "low", "high", "meaning"])
    low, high = (number(strength[key], f"{where}: strength.{key}", 0, 1e9) for key in ("low", "high"))
    parameters = dict(mapping(row["parameters"], f"{where}: parameters"))
    failures = parameters.pop("failures", None) if mechanism == "fail_calls" else None
    bounds = MECHANISMS[mechanism]
    known(parameters, f"{where}: parameters", bounds)
    return IncidentType(
        name=stem,
        service=one_of(row["service"], ("voip", "sms", "epc", "any"), f"{where}: service"),
        place=one_of(row["place"], ENTITY_TYPES, f"{where}: place"),
        mechanism=mechanism,
        strength=(number(strength["default"], f"{where}: strength.default", low, high), low, high),
        shape=one_of(row["shape"], SHAPES, f"{where}: shape"),
        figures={key: number(parameters[key], f"{where}: parameters.{key}", *bounds[key]) for key in bounds},
        failures=endings(failures, f"{where}: parameters.failures") if mechanism == "fail_calls" else None,
        kpis=tuple(row["kpis"]),
        description=str(row["description"]),
    )


def read_scenario(
    source: Path | Sequence[Mapping[str, Any]], network: Network, *, end: datetime, types: Mapping[str, IncidentType]
) -> tuple[Incident, ...]:
    """Placed incidents of a scenario file, or of rows as such a file has them, in its order. `end`: end of the run.

    Raises DefinitionError on an unknown type, place or key, a bad time, an end before its start, or an id used twice.
    """
    where, rows = _rows(source)
    incidents: list[Incident] = []
    for position, row in enumerate(rows, 1):
        incident = _incident(row, f"{where}: incident {position}", position, network, end, types)
        if any(other.id == incident.id for other in incidents):
            raise DefinitionError(f"id {incident.id!r} is used twice", where=f"{where}: incident {position}")
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


def _incident(
    row: Any, where: str, position: int, network: Network, run_end: datetime, types: Mapping[str, IncidentType]
) -> Incident:
    known(mapping(row, where), where, ["type", "place", "start"], ["end", "duration", "strength", "shape", "id"])
    kind = types[one_of(row["type"], types, f"{where}: type")]
    place, index = _place(row["place"], kind, network, f"{where}: place")
    start = _moment(row["start"], run_end, network, f"{where}: start")
    end = _end(row, start, run_end, network, where)
    if end <= start:
        raise DefinitionError(f"its end {end.isoformat()} is not after its start {start.isoformat()}", where=where)
    default, low, high = kind.strength
    return Incident(
        id=name(row.get("id", f"{kind.name}-{position}"), f"{where}: id"),
        type=kind,
        service=place.id if kind.service == "any" else kind.service,
        place=place,
        index=index,
        start=_ms(start),
        end=_ms(end),
        strength=number(row.get("strength", default), f"{where}: strength", low, high),
        shape=one_of(row.get("shape", kind.shape), SHAPES, f"{where}: shape"),
    )


def _place(value: Any, kind: IncidentType, network: Network, where: str) -> tuple[Entity, int]:
    text = str(value)
    entity = Entity.parse(text) if ":" in text else Entity(kind.place, text)
    names = network.names(kind.place)
    if entity.type != kind.place:
        raise DefinitionError(f"{text!r} is a {entity.type}; {kind.name} strikes a {kind.place}", where=where)
    if entity.id not in names:
        what = f"there is no {kind.place} {entity.id!r} in the network{nearest(entity.id, names)}"
        raise DefinitionError(what, where=where, remedy=f"one of {', '.join(names)}")
    return entity, names.index(entity.id)


def _end(row: Mapping[str, Any], start: datetime, run_end: datetime, network: Network, where: str) -> datetime:
    if ("end" in row) == ("duration" in row):
        raise DefinitionError("needs either end or duration", where=where)
    if "end" in row:
        return _moment(row["end"], run_end, network, f"{where}: end")
    return start + _span(row["duration"], f"{where}: duration")


def _span(value: Any, where: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value).strip())
    if not found:
        raise DefinitionError(f"{value!r} is not a span such as 90s, 30m, 3h or 2d", where=where)
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > 3660 * 86_400:
        raise DefinitionError(f"{value!r} is longer than ten years", where=where)
    return timedelta(seconds=seconds)


def _moment(value: Any, run_end: datetime, network: Network, where: str) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return _local(value, run_end, network, where)
    text = str(value).strip()
    if text.startswith("-"):
        return run_end - _span(text[1:], where)
    try:
        return parse_iso(text)
    except ValueError as problem:
        example = '2026-11-20T10:00:00Z, "-62h" or {day: -3, time: "10:00"}'
        raise DefinitionError(f"{text!r} is not a time", where=where, remedy=f"write {example}") from problem


def _local(value: Mapping[str, Any], run_end: datetime, network: Network, where: str) -> datetime:
    """`{day: -1, time: "10:00"}`: local time on the last day that the run covers, or on one before it."""
    known(mapping(value, where), where, ["day", "time"])
    day = int(number(value["day"], f"{where}.day", -3660, -1))
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(value["time"]))
    if not found:
        raise DefinitionError(
            f"{value['time']!r} is not a time of day", where=f"{where}.time", remedy='quote it: "10:00"'
        )
    last: date = (run_end.astimezone(network.zone) - timedelta(microseconds=1)).date()
    target = last + timedelta(days=day + 1)
    local = datetime(target.year, target.month, target.day, int(found[1]), int(found[2]), tzinfo=network.zone)
    return local.astimezone(UTC)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
