"""The whole library placed at several strengths in the second part of a bench run, each seed elsewhere.

Each type stands once for every strength, at a place, day and time of day that the seed draws. Two incidents of one service
do not overlap and lie two hours apart; those that last longer than a day share their time with others at other places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import InternalError
from datagen.library import IncidentType, time_of_day
from datagen.model import SERVICES
from datagen.network import Network

STRENGTHS = (1.0, 0.5, 0.25)  # of the type's usual strength; factors are counted from 1, where nothing changes
QUIET_DAYS = 21
_APART = timedelta(hours=2)
_SHIFT_HOURS = 3  # a type begins within so many hours of its usual time of day
_TRIES = 4000


def placed(
    network: Network, types: Mapping[str, IncidentType], *, start: datetime, days: int, seed: int
) -> list[dict[str, Any]]:
    """Rows of a scenario (`datagen.incidents`), in order of time. Days before QUIET_DAYS stay quiet."""
    rng = np.random.default_rng([seed, 6])
    first, end = start + timedelta(days=QUIET_DAYS), start + timedelta(days=days)
    wanted = [(kind, share) for kind in types.values() for share in STRENGTHS if share == 1.0 or _has_strength(kind)]
    wanted.sort(key=lambda one: (-one[0].duration, one[0].name, -one[1]))
    rows: list[dict[str, Any]] = []
    taken: list[tuple[str, Entity, datetime, datetime]] = []
    for kind, share in wanted:
        for _ in range(_TRIES):
            place, begin = _drawn(rng, network, kind, first, end)
            service = kind.service_at(place.type, place.id)
            stop = begin + kind.duration
            if stop <= end and not any(_in_the_way(service, place, begin, stop, other, network) for other in taken):
                break
        else:
            raise InternalError(f"no room for {kind.name} in {days} days")
        taken.append((service, place, begin, stop))
        rows.append({
            "id": f"{kind.name}-{share:g}", "type": kind.name, "place": str(place), "start": iso(begin),
            "end": iso(stop), "strength": strength_of(kind, share),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["start"], row["id"]))


def strength_of(kind: IncidentType, share: float) -> float:
    """The usual strength times `share`, within the type's bounds; of a factor (never below 1) what lies above 1."""
    usual, low, high = kind.strength
    least = 1.0 if low > 1 else 0.0
    return float(np.clip(round(least + (usual - least) * share, 6), max(low, -high), high))


def _has_strength(kind: IncidentType) -> bool:
    return kind.strength[1] < kind.strength[2]


def _drawn(
    rng: np.random.Generator, network: Network, kind: IncidentType, first: datetime, end: datetime
) -> tuple[Entity, datetime]:
    places = [Entity(one, name) for one in kind.places for name in kind.suitable(network, one)]
    if kind.service == "any":
        places = [place for place in places if kind.service_at(place.type, place.id) in SERVICES]
    place = places[int(rng.integers(len(places)))]
    day = first.date() + timedelta(days=int(rng.integers((end - first).days)))
    hour, minute = time_of_day(kind.time, kind.name)
    shift = 0 if kind.duration > timedelta(days=1) else int(rng.integers(-_SHIFT_HOURS * 12, _SHIFT_HOURS * 12 + 1))
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=network.zone) + timedelta(minutes=5 * shift)
    begin = local.astimezone(first.tzinfo)
    return place, max(begin, first)


def _in_the_way(
    service: str, place: Entity, begin: datetime, stop: datetime, other: tuple[str, Entity, datetime, datetime],
    network: Network,
) -> bool:  # fmt: skip
    its_service, its_place, its_begin, its_stop = other
    if service != its_service or begin >= its_stop + _APART or its_begin >= stop + _APART:
        return False
    day = timedelta(days=1)
    if "feed" in (place.type, its_place.type) or not (stop - begin > day or its_stop - its_begin > day):
        return True
    return bool(_touched(place, network) & _touched(its_place, network))


def _touched(place: Entity, network: Network) -> set[Entity]:
    """A trunk group and the SBC that it stands behind disturb each other."""
    homes = {Entity("sbc", trunk.sbc) for trunk in network.voip.trunks if place == Entity("trunk_group", trunk.name)}
    return {place, *homes}


def services_of(rows: Sequence[Mapping[str, Any]], types: Mapping[str, IncidentType]) -> list[str]:
    """Service of each row."""
    places = [Entity.parse(str(row["place"])) for row in rows]
    return [types[str(row["type"])].service_at(place.type, place.id) for row, place in zip(rows, places, strict=True)]
