"""Cron expressions as Watcher takes them (Quartz): seconds, minutes, hours, day of month, month, day of week, and a year at will.

`*` any, `a-b`, `a,b`, `a/step`, `*/step`; of days also `?` (exactly one of the two day fields), `L` the last, `L-3`, `15W`
the weekday nearest to the 15th, `LW` the last weekday, `6L` the last Friday, `6#3` the third Friday. Days of the week are 1
(SUN) to 7 (SAT), months 1 (JAN) to 12 (DEC).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST = 200
_STEP = re.compile(r"(.+?)(?:/(\d{1,4}))?")
OnDay = Callable[[date], bool]


class Cron(NamedTuple):
    """`seconds`: seconds of the local day at which it ticks, in order; `on`: the days that it ticks on."""

    seconds: tuple[int, ...]
    on: OnDay


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: Sequence[str] = ()

    def number(self, text: str) -> int:
        if text.upper() in self.words:
            return self.words.index(text.upper()) + self.low
        if not text.isascii() or not text.isdigit() or not self.low <= int(text) <= self.high:
            raise ValueError(f"{self.name} {text!r} is not within {self.low} to {self.high}")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> Sequence[int]:
        match = _STEP.fullmatch(part)
        if match is None:
            raise ValueError(f"{self.name} {part!r} cannot be read")
        body, step = match[1], int(match[2] or 1)
        if not step:
            raise ValueError(f"{self.name} {part!r} steps by nothing")
        if body == "*":
            return range(self.low, self.high + 1, step)
        first, dash, last = body.partition("-")
        low = self.number(first)
        if not dash:
            return range(low, self.high + 1, step) if match[2] else (low,)
        high = self.number(last)
        if high >= low:
            return range(low, high + 1, step)
        span = self.high - self.low + 1  # FRI-MON, 22-2: over the end
        return [self.low + (value - self.low) % span for value in range(low, high + span + 1, step)]


_SECONDS, _MINUTES, _HOURS = _Field("second", 0, 59), _Field("minute", 0, 59), _Field("hour", 0, 23)
_OF_MONTH, _MONTH = _Field("day of month", 1, 31), _Field("month", 1, 12, MONTHS)
_OF_WEEK, _YEAR = _Field("day of week", 1, 7, DAYS), _Field("year", 1970, 2099)


def read_cron(text: str) -> Cron:
    """Raises ValueError that names the field and its value."""
    parts = text.split()
    if len(text) > _LONGEST or not 6 <= len(parts) <= 7:
        raise ValueError(
            f"{text[:60]!r} has {len(parts)} fields: seconds, minutes, hours, day of month, month, day of week are "
            "wanted, and a year at will"
        )
    if (parts[3] == "?") == (parts[5] == "?"):
        raise ValueError("exactly one of day of month and day of week is ?")
    hours, minutes, seconds = _HOURS.values(parts[2]), _MINUTES.values(parts[1]), _SECONDS.values(parts[0])
    times = sorted(h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds)
    months = _MONTH.values(parts[4])
    years = _YEAR.values(parts[6]) if len(parts) == 7 else None
    rules = _any_of(parts[3], _of_month) if parts[5] == "?" else _any_of(parts[5], _of_week)

    def on(day: date) -> bool:
        return day.month in months and (years is None or day.year in years) and any(rule(day) for rule in rules)

    return Cron(tuple(times), on)


def _any_of(text: str, one: Callable[[str], OnDay]) -> list[OnDay]:
    return [one(part.upper()) for part in text.split(",")]


def _of_month(part: str) -> OnDay:
    if part == "LW":
        return lambda day: day == _nearest_weekday(day, _length(day))
    if match := re.fullmatch(r"L(?:-(\d{1,2}))?", part):
        before = int(match[1] or 0)
        return lambda day: day.day == _length(day) - before
    if match := re.fullmatch(r"(\d{1,2})W", part):
        wanted = _OF_MONTH.number(match[1])
        return lambda day: wanted <= _length(day) and day == _nearest_weekday(day, wanted)
    values = _OF_MONTH.values(part)
    return lambda day: day.day in values


def _of_week(part: str) -> OnDay:
    if part == "L":
        return lambda day: _weekday(day) == 7
    if match := re.fullmatch(r"(\w+)#([1-5])", part):
        wanted, count = _OF_WEEK.number(match[1]), int(match[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == count
    if match := re.fullmatch(r"(\d|[A-Z]{3})L", part):
        last = _OF_WEEK.number(match[1])
        return lambda day: _weekday(day) == last and day.day + 7 > _length(day)
    values = _OF_WEEK.values(part)
    return lambda day: _weekday(day) in values


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> date:
    """The weekday nearest to a day of the month, never in another month."""
    aim = day.replace(day=wanted)
    if aim.isoweekday() == 6:
        return aim + timedelta(days=2) if wanted == 1 else aim - timedelta(days=1)
    if aim.isoweekday() == 7:
        return aim - timedelta(days=2) if wanted == _length(day) else aim + timedelta(days=1)
    return aim
