"""Entities side by side, fairly: a small one is not called the worst because of a few bad days.

Each entity's value over the window is its buckets merged. How much such a value wavers by itself is learned from how the
entities' days waver, pooled and divided by each entity's size: that holds more than binomial noise. From it follow

* the funnel (Spiegelhalter 2005): outside the 99.8 % limits around the whole is another than the rest;
* the shrunken value (empirical Bayes, normal, between-entity variance by DerSimonian and Laird): what to rank by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np

from contracts.entities import Entity
from contracts.errors import UserError
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.history.series import Floats
from kpis.history.windows import own
from kpis.tracking import Tracked

LIMIT = 3.09  # standard errors: 99.8 % of entities that are like the rest lie within
_WINSORISED = 0.6787  # variance that is left of a normal one when its outer tenths are drawn in
_SUMS = ("sum",)


class Ranked(NamedTuple):
    """`place` 1 is the best. `fair`: the shrunken value, by which it is placed; `low`, `high`: funnel at its size.

    `word`: `better` or `worse` than the rest, `like the rest`, or `other` where neither direction is bad.
    """

    place: int
    entity: str
    value: float
    fair: float
    samples: int
    low: float
    high: float
    word: str


class Ranking(NamedTuple):
    """`whole`: the value of all together; `between`: standard deviation between entities beyond noise."""

    kpi: str
    kind: str
    whole: float
    between: float
    rows: tuple[Ranked, ...]


class Day(NamedTuple):
    """A bucket of an entity: its value and its weight (denominator, or samples)."""

    entity: str
    value: float
    weight: float


def rank(
    store: Store,
    tracked: Tracked,
    kind: str,
    start: datetime,
    end: datetime,
    *,
    groups: Mapping[str, str] | None = None,
) -> Ranking:
    """Entities of a kind over start ≤ t < end, by days. `groups`: entity → region, in place of the entities themselves.

    Raises UserError for counts, whose value is size itself, and where fewer than two entities have values.
    """
    if tracked.merge in _SUMS or tracked.unit in ("calls", "bytes", "E"):
        raise UserError(
            "is an amount: whoever is larger has more of it", where=tracked.id, remedy="rank a ratio or a mean"
        )
    days = _days(store, tracked, kind, start, end)
    if groups is not None:
        days = [each._replace(entity=f"region:{groups[each.entity]}") for each in days if each.entity in groups]
    if len({each.entity for each in days}) < 2:
        raise UserError(f"fewer than two {kind}s have values of {tracked.id} then")
    return ranked(tracked.id, "region" if groups is not None else kind, days, tracked.bad)


def ranked(kpi: str, kind: str, days: list[Day], bad: str) -> Ranking:
    """The ranking of buckets of entities. Pure."""
    grouped: dict[str, list[Day]] = defaultdict(list)
    for day in days:
        grouped[day.entity].append(day)
    names = sorted(grouped)
    sizes = np.array([sum(day.weight for day in grouped[name]) for name in names])
    values = np.array([_mean(grouped[name]) for name in names])
    variances = _noise(grouped) / sizes
    whole = float((values * sizes).sum() / sizes.sum())
    between = _between(values, variances)
    kept = between / (between + variances) if between else np.zeros(len(values))
    fair = whole + (values - whole) * kept
    width = LIMIT * np.sqrt(variances)
    sign = -1.0 if bad == "low" else 1.0
    order = sorted(range(len(names)), key=lambda row: (sign * fair[row], names[row]))
    rows = tuple(
        Ranked(
            place,
            names[row],
            float(values[row]),
            float(fair[row]),
            int(sizes[row]),
            float(whole - width[row]),
            float(whole + width[row]),
            _word(float(values[row] - whole), float(width[row]), bad),
        )
        for place, row in enumerate(order, 1)
    )
    return Ranking(kpi, kind, whole, float(np.sqrt(between)), rows)


def _word(distance: float, width: float, bad: str) -> str:
    if abs(distance) <= width or distance == 0:
        return "like the rest"
    if bad == "both":
        return "other"
    return "worse" if (distance < 0) == (bad == "low") else "better"


def _mean(days: list[Day]) -> float:
    return sum(day.value * day.weight for day in days) / sum(day.weight for day in days)


def _noise(grouped: Mapping[str, list[Day]]) -> float:
    """Variance of a value of weight 1, pooled over entities: how their days waver around their own mean.

    The tenth that wavers most, on either side, counts as much as the next one only (winsorised, as Spiegelhalter does): else a
    single outage would hide itself.
    """
    rest, days_in_all = [], 0
    for days in grouped.values():
        mean = _mean(days)
        rest += [np.sqrt(day.weight) * (day.value - mean) for day in days]
        days_in_all += len(days)
    freedom = days_in_all - len(grouped)
    if freedom <= 0:
        return 0.0
    low, high = np.quantile(rest, (0.1, 0.9))
    return float((np.clip(rest, low, high) ** 2).sum() / freedom / _WINSORISED)


def _between(values: Floats, variances: Floats) -> float:
    """DerSimonian and Laird's moment estimate, 0 where the noise explains all."""
    if not variances.all():
        return float(values.var())
    least = float(variances.min())
    weights = least / variances  # at most 1, so that nothing overflows
    centre = (weights * values).sum() / weights.sum()
    excess = (weights * (values - centre) ** 2).sum() - least * (len(values) - 1)
    freedom = weights.sum() - (weights**2).sum() / weights.sum()
    return max(0.0, float(excess / freedom)) if freedom > 0 else 0.0


def _days(store: Store, tracked: Tracked, kind: str, start: datetime, end: datetime) -> list[Day]:
    query = f"""FROM {KPI_INDEX[86400]}
| WHERE @timestamp >= ? AND @timestamp < ? AND {own(tracked)} AND entity.type == {compiler.constant(kind)}
| WHERE kpi.value IS NOT NULL
| EVAL k = TO_LONG(@timestamp)
| STATS v = MAX(kpi.value), d = MAX(kpi.denominator), s = MAX(kpi.samples) BY k, e = entity.id"""
    found = []
    for table in store.esql_windows(lambda a, b: (query, [a, b]), start, end):
        for row in table.dicts():
            weight = float(row["d"] or row["s"] or 0)
            if weight > 0:
                found.append(Day(str(Entity(kind, row["e"])), float(row["v"]), weight))
    return found
