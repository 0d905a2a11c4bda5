"""Time ranges as a dashboard and its URL write them: `now-24h`, `now/d`, `2026-11-21`, `2026-11-21T10:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from console.errors import RequestError
from contracts.clock import floor_to, parse_iso

LONGEST = timedelta(days=3660)  # ten years
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}  # mean month and year
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,6})([smhdwMy]))?(?:/([smhdwMy]))?")


class TimeRange(NamedTuple):
    """`since` ≤ t < `until`."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since


def time_range(since: str, until: str, now: datetime, step_sec: int, zone: ZoneInfo | None = None) -> TimeRange:
    """`now` is floored to `step_sec`, so that who looks at the same time asks the same. A time without a zone is in `zone`.

    Raises RequestError on what is no time, ends before it begins, or is longer than ten years.
    """
    floored = floor_to(now, step_sec)
    found = TimeRange(_moment(since, floored, zone, up=False), _moment(until, floored, zone, up=True))
    if not found.since < found.until:
        raise RequestError(f"the time range ends before it begins: {since} to {until}", remedy="swap the two")
    if found.length > LONGEST:
        raise RequestError("the time range is longer than ten years", remedy="choose a shorter one")
    return found


def _moment(text: str, now: datetime, zone: ZoneInfo | None, *, up: bool) -> datetime:
    relative = _RELATIVE.fullmatch(text.strip())
    try:
        found = _relative(relative, now, up=up) if relative else _absolute(text.strip(), zone)
    except (ValueError, OverflowError):
        found = None
    if found is None or not _EARLIEST <= found <= _LATEST:
        raise RequestError(f"{text[:40]!r} is no time", remedy="write now-24h, 2026-11-21 or 2026-11-21T10:00")
    return found


def _relative(match: re.Match[str], now: datetime, *, up: bool) -> datetime:
    sign, count, unit, rounded = match.groups()
    moment = now
    if count:
        distance = timedelta(seconds=int(count) * _UNITS[unit])
        moment = now - distance if sign == "-" else now + distance
    if rounded is None:
        return moment
    start = _floored(moment, rounded)
    # As Kibana: the end of a range rounds up to the end of the unit.
    return _floored(start + timedelta(seconds=_UNITS[rounded] * 1.1), rounded) if up else start


def _floored(moment: datetime, unit: str) -> datetime:
    if unit in "smh":
        return floor_to(moment, _UNITS[unit])
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "d": day,
        "w": day - timedelta(days=day.weekday()),
        "M": day.replace(day=1),
        "y": day.replace(month=1, day=1),
    }[unit]


def _absolute(text: str, zone: ZoneInfo | None) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None and zone is not None:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    return parse_iso(text).astimezone(UTC)
