"""What a week looks like: relative weight of each hour, per profile, read from `profiles.yml` and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import known, load, mapping, nearest, number
from datagen.table import Floats

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS = ("weekday", "weekend")


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """`hours`: 192 weights, the hours of a week from Monday 00:00 (mean 1), then those of a holiday.

    `factor`: what a holiday's weights are multiplied by; None: what the network's calendar says.
    """

    hours: Floats
    factor: float | None = None

    @property
    def week(self) -> Floats:
        return self.hours[:168]

    def scaled(self, factor: float) -> Floats:
        """The 192 weights with the holiday's multiplied by the profile's own factor, else by `factor`."""
        hours = self.hours.copy()
        hours[168:] *= factor if self.factor is None else self.factor
        return hours


def read_profiles(path: Path) -> dict[str, Profile]:
    """Profiles by name. Raises DefinitionError that names file and key."""
    return {profile: _profile(row, f"{path}: {profile}") for profile, row in load(path).items()}


def _profile(value: Any, where: str) -> Profile:
    row = mapping(value, where)
    known(row, where, _KINDS, [*DAYS, "holiday", "holiday_factor"])
    days = {
        day: _hours(row[key], f"{where}: {key}")
        for position, day in enumerate(DAYS)
        for key in [day if day in row else _KINDS[position >= 5]]
    }
    holiday = row.get("holiday", "sunday")
    last = (
        days[_like(holiday, f"{where}: holiday")] if isinstance(holiday, str) else _hours(holiday, f"{where}: holiday")
    )
    hours = np.array([*(hour for day in days.values() for hour in day), *last])
    factor = row.get("holiday_factor")
    given = None if factor is None else number(factor, f"{where}: holiday_factor", 0, 100)
    return Profile(hours / hours[:168].mean(), given)


def _like(day: str, where: str) -> str:
    if day not in DAYS:
        what = f"{day!r} is neither a day of the week nor 24 numbers{nearest(day, DAYS)}"
        raise DefinitionError(what, where=where, remedy=f"one of {', '.join(DAYS)}")
    return day


def _hours(value: Any, where: str) -> list[float]:
    if not isinstance(value, list) or len(value) != 24:
        raise DefinitionError("must be 24 numbers, one per hour of the day", where=where)
    hours = [number(hour, where, 0, 1e9) for hour in value]
    if not any(hours):
        raise DefinitionError("is zero in every hour", where=where)
    return hours
