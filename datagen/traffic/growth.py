"""What changes the level of traffic over months and for a while: trend and promotions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import known, mapping, name, number, one_of
from datagen.table import Floats
from datagen.traffic.calendar import Clock, read_day

SERVICES = ("voip", "sms", "epc")
_YEAR_SEC = 365.25 * 86_400


@dataclass(frozen=True, slots=True)
class Trend:
    """Growth a year by service (0.05: 5 % more after a year, compound); `since`: the day on which rates are as given."""

    since: date
    per_year: Mapping[str, float]

    def factor(self, service: str, moment: datetime) -> float:
        yearly = self.per_year.get(service, 0.0)
        if not yearly:
            return 1.0
        start = datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)
        return float((1 + yearly) ** ((moment - start).total_seconds() / _YEAR_SEC))


NO_TREND = Trend(date(2026, 1, 1), {})


@dataclass(frozen=True, slots=True)
class Promotion:
    """Traffic times `factor` from `first` to `last` (local days, both included), of these services and these plans."""

    name: str
    first: date
    last: date
    factor: float
    services: frozenset[str]
    plans: frozenset[str]  # empty: every plan

    def lasts(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Growth:
    """Trend and promotions together."""

    trend: Trend = NO_TREND
    promotions: tuple[Promotion, ...] = ()

    def active(self, service: str, day: date) -> tuple[Promotion, ...]:
        return tuple(each for each in self.promotions if service in each.services and each.lasts(day))


def appetite(promotions: Iterable[Promotion], plans: tuple[str, ...]) -> Floats:
    """Factor on the traffic of each plan while these promotions last."""
    factors = np.ones(len(plans))
    for promotion in promotions:
        factors *= [promotion.factor if not promotion.plans or plan in promotion.plans else 1.0 for plan in plans]
    return factors


@lru_cache(maxsize=4096)
def local_day(ms: int, clock: Clock) -> date:
    """The day that it is by `clock` at a time in ms since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(clock.zone).date()


def read_trend(value: Any, where: str) -> Trend:
    """From `{since, per_year: {service: growth}}`. Raises DefinitionError."""
    row = mapping(value, where)
    known(row, where, ["since", "per_year"])
    yearly = mapping(row["per_year"], f"{where}.per_year")
    known(yearly, f"{where}.per_year", [], SERVICES)
    rates = {service: number(rate, f"{where}.per_year.{service}", -0.99, 100) for service, rate in yearly.items()}
    return Trend(read_day(row["since"], f"{where}.since"), rates)


def read_promotions(value: Any, where: str, plans: Iterable[str]) -> tuple[Promotion, ...]:
    """From a list of `{name, from, until, factor, services, plans}`; the last two are optional. Raises DefinitionError."""
    if not isinstance(value, list):
        raise DefinitionError("must be a list of promotions", where=where)
    return tuple(_promotion(row, f"{where}: {position}", plans) for position, row in enumerate(value, 1))


def _promotion(value: Any, where: str, plans: Iterable[str]) -> Promotion:
    row = mapping(value, where)
    known(row, where, ["name", "from", "until", "factor"], ["services", "plans"])
    first, last = (read_day(row[key], f"{where}.{key}") for key in ("from", "until"))
    if last < first:
        raise DefinitionError(f"until {last} is before from {first}", where=where)
    return Promotion(
        name(row["name"], f"{where}.name"),
        first,
        last,
        number(row["factor"], f"{where}.factor", 0, 100),
        _some(row, "services", SERVICES, where) or frozenset(SERVICES),
        _some(row, "plans", plans, where),
    )


def _some(row: Mapping[str, Any], key: str, choices: Iterable[str], where: str) -> frozenset[str]:
    given = row.get(key, [])
    if not isinstance(given, list):
        raise DefinitionError("must be a list of names", where=f"{where}.{key}")
    return frozenset(one_of(item, choices, f"{where}.{key}") for item in given)
