"""The whole library placed once in a run: each type at a suitable time and place, apart from the others.

Two incidents of one service do not overlap, with two hours between them; in a short run, one that lasts over a day shares its
time with others at other places. The first half of the run stays quiet, for baselines to learn from, while the rest has room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import DefinitionError
from datagen.library import IncidentType, read_types, time_of_day
from datagen.model import SERVICES
from datagen.network import Network

_APART = timedelta(hours=2)
_LONG = timedelta(days=1)
_MOST_DAYS = 60  # of the search for the least number of days


class _Slot(NamedTuple):
    kind: IncidentType
    place: Entity
    start: datetime
    end: datetime

    @property
    def service(self) -> str:
        return self.kind.service_at(self.place.type, self.place.id)

    @property
    def long(self) -> bool:
        return self.end - self.start > _LONG


def library_incidents(
    network: Network,
    *,
    start: datetime,
    end: datetime,
    services: Sequence[str] = SERVICES,
    types: Mapping[str, IncidentType] | None = None,
) -> list[dict[str, Any]]:
    """Rows of a scenario that places every type of the library once between `start` and `end`, in order of time.

    Raises DefinitionError when the run is too short, with the least number of days.
    """
    kinds = list((types or read_types()).values())
    slots = _arranged(network, start, end, services, kinds)
    if slots is None:
        days = (end - start).days
        enough = next((n for n in range(days + 1, _MOST_DAYS) if _fits(network, start, n, services, kinds)), None)
        remedy = f"at least {enough} days" if enough else "fewer services or types, or incidents placed in a file"
        raise DefinitionError(f"{days} days are too few for the whole library", where="incidents", remedy=remedy)
    return [
        {"id": slot.kind.name, "type": slot.kind.name, "place": str(slot.place), "start": iso(slot.start), "end": iso(slot.end)}
        for slot in sorted(slots, key=lambda slot: (slot.start, slot.kind.name))
    ]  # fmt: skip


def _fits(network: Network, start: datetime, days: int, services: Sequence[str], kinds: Sequence[IncidentType]) -> bool:
    return _arranged(network, start, start + timedelta(days=days), services, kinds) is not None


def _arranged(
    network: Network, start: datetime, end: datetime, services: Sequence[str], kinds: Sequence[IncidentType]
) -> list[_Slot] | None:
    """Each alone in its service, then with long ones shared; each with the longest quiet beginning that leaves room for all.

    None where there is no room at all.
    """
    days = (end - start).days
    for shared, least in ((False, days // 4), (True, 0)):
        for quiet in range(days // 2, least - 1, -1):
            slots = _placed(network, start + timedelta(days=quiet), end, services, kinds, shared=shared)
            if slots is not None:
                return slots
    return None


def _placed(
    network: Network,
    start: datetime,
    end: datetime,
    services: Sequence[str],
    kinds: Sequence[IncidentType],
    *,
    shared: bool,
) -> list[_Slot] | None:
    """The longest first, each where it disturbs the others least."""
    slots: list[_Slot] = []
    for kind in sorted(kinds, key=lambda kind: (-kind.duration, kind.name)):
        if kind.service not in ("any", *services):
            continue
        free = [
            slot
            for slot in _possible(network, kind, start, end)
            if slot.service in services and not any(_in_the_way(slot, other, network, shared=shared) for other in slots)
        ]
        if not free:
            return None
        slots.append(min(free, key=lambda slot: _cost(slot, slots)))
    return slots


def _possible(network: Network, kind: IncidentType, start: datetime, end: datetime) -> Iterator[_Slot]:
    hour, minute = time_of_day(kind.time, kind.name)
    first, last = start.astimezone(network.zone).date(), end.astimezone(network.zone).date()
    places = [Entity(one, name) for one in kind.places for name in kind.suitable(network, one)]
    for number in range((last - first).days + 1):
        day: date = first + timedelta(days=number)
        begins = datetime(day.year, day.month, day.day, hour, minute, tzinfo=network.zone).astimezone(start.tzinfo)
        if start <= begins and begins + kind.duration <= end:
            for place in places:
                yield _Slot(kind, place, begins, begins + kind.duration)


def _in_the_way(slot: _Slot, other: _Slot, network: Network, *, shared: bool) -> bool:
    apart = slot.start >= other.end + _APART or other.start >= slot.end + _APART
    if apart or slot.service != other.service:
        return False
    if "feed" in (slot.place.type, other.place.type) or not (shared and (slot.long or other.long)):
        return True
    return bool(_touched(slot.place, network) & _touched(other.place, network))


def _touched(place: Entity, network: Network) -> set[Entity]:
    """A trunk group and the SBC that it stands behind disturb each other."""
    homes = {Entity("sbc", trunk.sbc) for trunk in network.voip.trunks if place == Entity("trunk_group", trunk.name)}
    return {place, *homes}


def _cost(slot: _Slot, slots: Sequence[_Slot]) -> tuple[int, int, int, datetime]:
    """Little is better: working days, days with little on them, places that have been spared, then the earliest."""
    weekend = slot.start.weekday() >= 5 and not slot.long
    busy = sum(other.start.date() <= slot.start.date() <= other.end.date() for other in slots)
    struck = sum(other.place == slot.place for other in slots)
    return int(weekend), busy, struck, slot.start
