"""A calendar: public holidays of the network's country, and what is planned for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contracts.clock import epoch_ms, from_epoch_ms
from contracts.entities import Entity
from detectors.panel import EXCUSED_SHARE, Ints

Kind = Literal["holiday", "event", "maintenance"]
KINDS: tuple[Kind, ...] = ("holiday", "event", "maintenance")  # the later one wins where they meet
MARK = {kind: number for number, kind in enumerate(KINDS, start=1)}
_EPOCH = date(1970, 1, 1)


class Planned(NamedTuple):
    """From `start` until `end` (epoch ms); `entities`: for these only, empty: for all."""

    kind: Kind
    title: str
    start: int
    end: int
    entities: tuple[Entity, ...] = ()

    def touches(self, entity: Entity) -> bool:
        return not self.entities or entity in self.entities


@dataclass(frozen=True, slots=True)
class Calendar:
    """`country`: ISO 3166-1 alpha-2 with an optional subdivision (`DE`, `DE-BY`), empty: no public holidays.

    Holidays begin and end with the local day of `zone`; a day may have 23 or 25 hours.
    """

    zone: ZoneInfo
    country: str = ""
    planned: tuple[Planned, ...] = ()

    def marks(self, starts: Ints, step_sec: int, entity: Entity) -> NDArray[np.int8]:
        """Kind of each bucket (`MARK`, 0: an ordinary one) that begins at `starts` (epoch ms) for an entity.

        A bucket belongs to what takes at least a tenth of it (`EXCUSED_SHARE`).
        """
        found = np.zeros(len(starts), dtype=np.int8)
        if not len(starts):
            return found
        days = self.holidays(int(starts[0]), int(starts[-1]) + step_sec * 1000)
        for day in days:
            begin, end = local_day(day, self.zone)
            _mark(found, starts, step_sec, begin, end, "holiday")
        for one in self.planned:
            if one.touches(entity):
                _mark(found, starts, step_sec, one.start, one.end, one.kind)
        return found

    def holidays(self, since_ms: int, until_ms: int) -> dict[date, str]:
        """Local days in [since, until) that are holidays, with their names: of the country, and those of calendar files."""
        first = from_epoch_ms(since_ms).astimezone(self.zone).date()
        last = from_epoch_ms(max(until_ms - 1, since_ms)).astimezone(self.zone).date()
        found: dict[date, str] = {}
        for year in range(first.year, last.year + 1) if self.country else ():
            found |= {day: name for day, name in _public(self.country, year).items() if first <= day <= last}
        for one in self.planned:
            if one.kind == "holiday" and not one.entities and one.start < until_ms and one.end > since_ms:
                found |= {day: one.title for day in _days(one, self.zone) if first <= day <= last}
        return dict(sorted(found.items()))

    def holiday_numbers(self, since_ms: int, until_ms: int) -> frozenset[int]:
        """The same as days since 1970, as `LocalTime.day` counts them."""
        return frozenset((day - _EPOCH).days for day in self.holidays(since_ms, until_ms))

    def during(self, since_ms: int, until_ms: int) -> Sequence[Planned]:
        """What is planned in [since, until), public holidays too, in order of time."""
        public = []
        for day, name in self.holidays(since_ms, until_ms).items():
            public.append(Planned("holiday", name, *local_day(day, self.zone)))
        others = [one for one in self.planned if one.start < until_ms and one.end > since_ms and one.kind != "holiday"]
        return sorted([*public, *others], key=lambda one: (one.start, one.end, one.title))


def local_day(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Beginning and end of a local day, epoch ms."""
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return epoch_ms(begin.astimezone(UTC)), epoch_ms(end.astimezone(UTC))


def _days(one: Planned, zone: ZoneInfo) -> list[date]:
    """Local days of which a planned holiday covers the noon."""
    first = from_epoch_ms(one.start).astimezone(zone).date()
    found: list[date] = []
    day = first
    while True:
        noon = epoch_ms(datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC))
        if noon >= one.end:
            return found
        if noon >= one.start:
            found.append(day)
        day += timedelta(days=1)


def _mark(found: NDArray[np.int8], starts: Ints, step_sec: int, begin: int, end: int, kind: Kind) -> None:
    length = step_sec * 1000
    inside = np.minimum(starts + length, end) - np.maximum(starts, begin) >= EXCUSED_SHARE * length
    found[inside] = np.maximum(found[inside], MARK[kind])


@lru_cache(maxsize=256)
def _public(country: str, year: int) -> dict[date, str]:
    import holidays

    code, _, part = country.partition("-")
    return dict(holidays.country_holidays(code, subdiv=part or None, years=year))
