"""Working time: weekdays and hours in a zone, less public holidays. Answers in UTC; summer time is the zone's own affair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from contracts.errors import DefinitionError

Spans = tuple[tuple[int, int], ...]  # minutes of the day, from and until
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FARTHEST = 3660  # days without an hour of work after which none is looked for


@dataclass(frozen=True, slots=True)
class Calendar:
    """`week`: spans of each weekday, Monday first; they do not touch. `country`: of the holidays, "" for none."""

    name: str
    zone: ZoneInfo
    week: tuple[Spans, ...]
    country: str = ""

    def works(self, at: datetime) -> bool:
        """Whether that moment is working time."""
        return any(start <= at < end for start, end in self._spans(_day(at, self.zone)))

    def between(self, start: datetime, end: datetime) -> float:
        """Seconds of working time from `start` to `end`; 0 where `end` is not later."""
        total, day, last = 0.0, _day(start, self.zone), _day(end, self.zone)
        while day <= last:
            for begins, ends in self._spans(day):
                total += max(0.0, (min(ends, end) - max(begins, start)).total_seconds())
            day += timedelta(days=1)
        return total

    def add(self, start: datetime, seconds: float) -> datetime:
        """When so many seconds of working time have passed since `start`.

        Raises DefinitionError where the calendar has no hour of work in ten years.
        """
        rest, day, idle = seconds, _day(start, self.zone), 0
        while idle < _FARTHEST:
            spans = self._spans(day)
            for begins, ends in spans:
                begins = max(begins, start)
                if ends <= begins:
                    continue
                if rest <= (ends - begins).total_seconds():
                    return begins + timedelta(seconds=rest)
                rest -= (ends - begins).total_seconds()
            idle = 0 if spans else idle + 1
            day += timedelta(days=1)
        raise DefinitionError(f"calendar {self.name} has no working time", remedy="give it hours in sla.yml")

    def _spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        return _spans(self, day)


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


@lru_cache(maxsize=4096)
def _spans(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """Working time of a local day, in UTC: on days that clocks change, as long as the clocks make it."""
    if calendar.country and day in _holidays(calendar.country):
        return ()
    week = calendar.week[day.weekday()]
    found = ((_moment(day, start, calendar.zone), _moment(day, end, calendar.zone)) for start, end in week)
    return tuple((start, end) for start, end in found if start < end)


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minutes, 24 * 60)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)
    return local.astimezone(UTC)


@lru_cache(maxsize=32)
def _holidays(country: str) -> holidays.HolidayBase:
    nation, _, part = country.partition("-")
    try:
        return holidays.country_holidays(nation, subdiv=part or None)
    except NotImplementedError:
        raise DefinitionError(
            f"no holidays are known of {country!r}", remedy="use a code such as DE or DE-BY"
        ) from None


def read_calendar(name: str, zone: ZoneInfo, hours: Mapping[str, str], country: str, where: str) -> Calendar:
    """From `{mon-fri: "08:00-12:00,13:00-17:00"}`. Raises DefinitionError naming the key and the value."""
    week: list[Spans] = [()] * 7
    for days, text in hours.items():
        spans = _read_spans(str(text), f"{where}.{days}")
        for day in _read_days(days, where):
            week[day] = spans
    if country:
        _holidays(country)
    return Calendar(name, zone, tuple(week), country)


def _read_days(text: str, where: str) -> Iterator[int]:
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise DefinitionError(f"{text!r} is no weekday or span of them", where=where, remedy="such as mon or mon-fri")
    start = DAYS.index(first)
    more = (DAYS.index(last) - start) % 7 if dash else 0  # fri-mon: over the end of the week
    return ((start + day) % 7 for day in range(more + 1))


def _read_spans(text: str, where: str) -> Spans:
    spans = []
    for part in text.split(",") if text else ():
        start, _, end = part.strip().partition("-")
        spans.append((_minutes(start, where), _minutes(end, where)))
    ends = [0, *(end for _, end in spans)]
    if any(start >= end or start < before for (start, end), before in zip(spans, ends, strict=False)):
        raise DefinitionError(f"{text!r} is not in order", where=where, remedy='such as "08:00-12:00,13:00-17:00"')
    return tuple(spans)


def _minutes(text: str, where: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2 and len(hours) <= 2):
        raise DefinitionError(f"{text[:20]!r} is no time of day", where=where, remedy="such as 08:00, at most 24:00")
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > 24 * 60:
        raise DefinitionError(f"{text!r} is no time of day", where=where, remedy="such as 08:00, at most 24:00")
    return found
