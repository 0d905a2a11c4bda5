"""Which day it is where: local time with its daylight saving, and public holidays by the package `holidays`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from contracts.errors import DefinitionError
from datagen.definitions import known, mapping, nearest, number, plain, shown


@dataclass(frozen=True, slots=True)
class Calendar:
    """Public holidays of a country (ISO 3166-1 alpha-2) and its subdivision, more days, and days that are none after all.

    `factor`: traffic of a holiday, as a factor on the day that it is like (a Sunday, unless the profile says otherwise).
    """

    country: str = ""
    subdivision: str = ""
    factor: float = 1.0
    also: tuple[date, ...] = ()
    never: tuple[date, ...] = ()

    def is_holiday(self, day: date) -> bool:
        if day in self.never:
            return False
        return day in self.also or (bool(self.country) and day in _public(self.country, self.subdivision, day.year))


@lru_cache(maxsize=256)
def _public(country: str, subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@dataclass(frozen=True, slots=True)
class Clock:
    """What people live by somewhere: a time zone and a calendar."""

    zone: ZoneInfo
    calendar: Calendar = Calendar()

    def hour(self, moment: datetime) -> tuple[int, float]:
        """Hour of the week (0–167, Monday 00:00 = 0; on a holiday 168–191: hour of the day), and the part of it that is over."""
        local = moment.astimezone(self.zone)
        day = 7 if self.calendar.is_holiday(local.date()) else local.weekday()
        return day * 24 + local.hour, (local.minute * 60 + local.second) / 3600


def read_zone(value: Any, where: str) -> ZoneInfo:
    """An IANA time zone. Raises DefinitionError."""
    try:
        return ZoneInfo(plain(value, where))
    except (KeyError, ValueError, OSError) as problem:
        raise DefinitionError(f"zone: unknown time zone {shown(value)}", where=where) from problem


def read_calendar(value: Any, where: str) -> Calendar:
    """From `{country, subdivision, factor, also, never}`, all of them optional. Raises DefinitionError."""
    row = mapping(value, where)
    known(row, where, [], ["country", "subdivision", "factor", "also", "never"])
    country = _country(row.get("country"), f"{where}.country")
    subdivision = _subdivision(row.get("subdivision"), country, f"{where}.subdivision")
    return Calendar(
        country,
        subdivision,
        number(row.get("factor", 1.0), f"{where}.factor", 0, 100),
        _days(row.get("also", []), f"{where}.also"),
        _days(row.get("never", []), f"{where}.never"),
    )


def _country(value: Any, where: str) -> str:
    if value is None:
        return ""
    if value is False:
        raise DefinitionError(
            "YAML reads a bare NO as false", where=where, remedy='write "NO", with quotes, for Norway'
        )
    codes = [code for code in holidays.list_supported_countries() if len(code) == 2]
    if not isinstance(value, str) or value not in codes:
        raise DefinitionError(
            f"{shown(value)} is no country whose holidays are known{nearest(shown(value).upper(), codes)}",
            where=where,
            remedy="write its two letters, such as GB (ISO 3166-1 alpha-2)",
        )
    return str(value)


def _subdivision(value: Any, country: str, where: str) -> str:
    if value is None:
        return ""
    if not country:
        raise DefinitionError("a subdivision needs its country", where=where)
    parts = list(holidays.list_supported_countries(include_aliases=True)[country])
    if not isinstance(value, str) or value not in parts:
        hint = nearest(shown(value), parts)
        raise DefinitionError(
            f"{shown(value)} is no subdivision of {country}{hint}", where=where, remedy=", ".join(parts)
        )
    return str(value)


def _days(value: Any, where: str) -> tuple[date, ...]:
    if not isinstance(value, list):
        raise DefinitionError("must be a list of days", where=where)
    return tuple(read_day(item, where) for item in value)


def read_day(value: Any, where: str) -> date:
    """A day such as 2026-12-24. Raises DefinitionError."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(plain(value, where))
    except ValueError:
        raise DefinitionError(f"{shown(value)} is not a day", where=where, remedy="write it as 2026-12-24") from None
