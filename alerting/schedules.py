"""When a watch is due: Watcher's `trigger.schedule` as ticks, moments in UTC.

`interval` ticks at multiples of its length, counted from the epoch. `hourly`, `daily`, `weekly`, `monthly`, `yearly` and `cron`
tick at times of day of `timezone` (UTC without it). Where the clock goes forward, a time that it leaves out is the moment of the
jump; where it goes back, a time that comes twice is the first of the two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from alerting.cron import DAYS, MONTHS, read_cron
from alerting.durations import duration, spoken
from contracts.clock import floor_to

KINDS = ("interval", "cron", "hourly", "daily", "weekly", "monthly", "yearly")
_FAR = 366 * 9  # days looked at: the 29th of February may be eight years away
_NAMED = {"noon": 43200, "midnight": 0}
_LONG_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july",
    "august", "september", "october", "november", "december",
)  # fmt: skip


class Schedule(Protocol):
    """`first`: the earliest tick at or after a moment; `last`: the latest at or before; None: there is none within nine years.

    `regular`: ticks at an even pace, so that a run may take another; `text`: for people.
    """

    @property
    def regular(self) -> timedelta | None: ...

    @property
    def text(self) -> str: ...

    def first(self, moment: datetime) -> datetime | None: ...

    def last(self, moment: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Every:
    """At multiples of `step` from the epoch."""

    step: timedelta

    @property
    def regular(self) -> timedelta | None:
        return self.step

    @property
    def text(self) -> str:
        return f"every {spoken(self.step)}"

    def last(self, moment: datetime) -> datetime:
        return floor_to(moment, max(1, round(self.step.total_seconds())))

    def first(self, moment: datetime) -> datetime:
        floor = self.last(moment)
        return floor if floor == moment else floor + self.step


@dataclass(frozen=True)
class Rule:
    """At `seconds` (of the local day, in order) of the days that `on` holds for."""

    seconds: Sequence[int]
    on: Callable[[date], bool]


@dataclass(frozen=True)
class AtTimes:
    """At times of day in a zone; the earliest of several rules' ticks counts."""

    rules: tuple[Rule, ...]
    zone: ZoneInfo
    text: str

    @property
    def regular(self) -> timedelta | None:
        return None

    def first(self, moment: datetime) -> datetime | None:
        found = [tick for rule in self.rules if (tick := self._first(rule, moment)) is not None]
        return min(found, default=None)

    def last(self, moment: datetime) -> datetime | None:
        found = [tick for rule in self.rules if (tick := self._last(rule, moment)) is not None]
        return max(found, default=None)

    def _first(self, rule: Rule, moment: datetime) -> datetime | None:
        day = moment.astimezone(self.zone).date() - timedelta(days=1)
        for _ in range(_FAR):
            if rule.on(day):
                ticks = _Ticks(day, rule.seconds, self.zone)
                at = bisect_left(ticks, moment)
                if at < len(ticks):
                    return ticks.at(at)
            day += timedelta(days=1)
        return None

    def _last(self, rule: Rule, moment: datetime) -> datetime | None:
        day = moment.astimezone(self.zone).date() + timedelta(days=1)
        for _ in range(_FAR):
            if rule.on(day):
                ticks = _Ticks(day, rule.seconds, self.zone)
                at = bisect_right(ticks, moment)
                if at:
                    return ticks.at(at - 1)
            day -= timedelta(days=1)
        return None


class _Ticks(Sequence[datetime]):
    """The moments of one local day; they never go back, so that they can be searched in halves."""

    def __init__(self, day: date, seconds: Sequence[int], zone: ZoneInfo) -> None:
        self._day, self._seconds, self._zone = day, seconds, zone

    def __len__(self) -> int:
        return len(self._seconds)

    def __getitem__(self, at: Any) -> Any:
        return self.at(at)

    def at(self, at: int) -> datetime:
        return _moment(self._day, self._seconds[at], self._zone)


def _moment(day: date, second: int, zone: ZoneInfo) -> datetime:
    wall = datetime(day.year, day.month, day.day) + timedelta(seconds=second)
    late = wall.replace(tzinfo=zone).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):  # the jump lies between the two
        middle = (early + (late - early) / 2).replace(microsecond=0)
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    return late


def read_schedule(spec: Mapping[str, Any]) -> Schedule:
    """`trigger.schedule` of a watch. Raises ValueError that names the value and what is wanted."""
    (kind,) = [name for name in spec if name != "timezone"]
    value = spec[kind]
    if kind == "interval":
        return Every(duration(value))
    zone = _zone(str(spec.get("timezone", "UTC")))
    if kind == "cron":
        texts = value if isinstance(value, list) else [value]
        rules = tuple(Rule(cron.seconds, cron.on) for cron in map(read_cron, texts))
        shown = "cron " + ", ".join(texts)
    elif kind == "hourly":
        minutes = _numbers(value.get("minute", 0), 0, 59, "minute")
        rules = (Rule(sorted(h * 3600 + m * 60 for h in range(24) for m in minutes), lambda _: True),)
        shown = "hourly at minute " + ", ".join(map(str, minutes))
    else:
        rules = tuple(_rule(kind, each) for each in (value if isinstance(value, list) else [value]))
        shown = kind
    text = shown if zone.key == "UTC" else f"{shown} ({zone.key})"
    return AtTimes(rules, zone, text)


def _rule(kind: str, value: Mapping[str, Any]) -> Rule:
    times = _times(value.get("at", "midnight"))
    if kind == "daily":
        return Rule(times, lambda _: True)
    if kind == "weekly":
        days = {_word(day, _LONG_DAYS, DAYS, "day") for day in _listed(value["on"])}
        return Rule(times, lambda day: day.isoweekday() % 7 + 1 in days)
    numbers = set(_numbers(value["on"], 1, 31, "day"))
    if kind == "monthly":
        return Rule(times, lambda day: day.day in numbers)
    months = {_word(month, _LONG_MONTHS, MONTHS, "month") for month in _listed(value["in"])}
    return Rule(times, lambda day: day.month in months and day.day in numbers)


def _times(value: Any) -> list[int]:
    """`noon`, `midnight`, `17:00`, several of them, or `{hour: [8, 17], minute: [0, 30]}`, as seconds of the day."""
    found: set[int] = set()
    for one in _listed(value):
        if isinstance(one, Mapping):
            hours, minutes = _numbers(one["hour"], 0, 23, "hour"), _numbers(one["minute"], 0, 59, "minute")
            found |= {h * 3600 + m * 60 for h in hours for m in minutes}
        else:
            found.add(_time(str(one)))
    return sorted(found)


def _time(text: str) -> int:
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    hour, colon, minute = text.partition(":")
    digits = colon and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not digits or int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{text!r} is no time of day such as 17:00, noon or midnight")
    return int(hour) * 3600 + int(minute) * 60


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _numbers(value: Any, low: int, high: int, what: str) -> list[int]:
    found = list(_listed(value))
    for one in found:
        if isinstance(one, bool) or not isinstance(one, int) or not low <= one <= high:
            raise ValueError(f"{what} {one!r} is not a number from {low} to {high}")
    return sorted(set(found))


def _word(value: Any, long: Sequence[str], short: Sequence[str], what: str) -> int:
    text = str(value).lower()
    for words in (long, [word.lower() for word in short]):
        if text in words:
            return words.index(text) + 1
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(long):
        return int(text)
    raise ValueError(f"{what} {value!r} is none of {', '.join(long)}, or 1 to {len(long)}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}, an IANA name such as Europe/Berlin is wanted") from None
