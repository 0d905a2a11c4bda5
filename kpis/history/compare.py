"""A KPI of an entity now, beside the window before, the same hours of the week, its target, and its peers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from contracts.errors import UserError
from infrastructure.store import Store
from kpis.history.ranking import Ranked, Ranking, rank
from kpis.history.windows import DAY_SEC, Merged, merged
from kpis.tracking import Limits, Registry, Tracked

WEEK = timedelta(days=7)
_SAME = 4  # weeks before, of which the same window is looked at


class Comparison(NamedTuple):
    """`usual`, `spread`: mean and standard deviation of the same window in the four weeks before, None where unknown.

    `level`: worst threshold that is crossed, `target`, or "" where all is well or nothing is said.
    """

    kpi: str
    entity: str
    start: datetime
    end: datetime
    now: Merged
    before: Merged
    last_week: Merged
    usual: float | None
    spread: float | None
    limits: Limits
    level: str
    peers: Ranking | None
    place: Ranked | None


def compare(
    store: Store, registry: Registry, tracked: Tracked, entity: str, start: datetime, end: datetime
) -> Comparison:
    """Windows of whole UTC days are read from days, others from hours. Raises UserError where the window has no values."""
    length = end - start
    resolution = DAY_SEC if _whole_days(start, end) else 3600
    if resolution not in tracked.resolutions:
        if 86400 not in tracked.resolutions:
            raise UserError("has no values of this length", where=tracked.id)
        raise UserError("has values by the day only", where=tracked.id, remedy="give whole UTC days")

    def over(shift: timedelta) -> Merged:
        return merged(store, registry, tracked, entity, start - shift, end - shift, resolution)

    now = over(timedelta(0))
    if now.value is None:
        raise UserError(
            f"no value between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M}", where=f"{tracked.id} of {entity}"
        )
    whole_weeks = -(-length // WEEK) * WEEK  # so that hours of the week meet their like
    same = [each.value for weeks in range(1, _SAME + 1) if (each := over(weeks * whole_weeks)).value is not None]
    limits = tracked.limits_of(entity)
    peers = _peers(store, tracked, entity, start, end) if resolution == DAY_SEC else None
    return Comparison(
        tracked.id,
        entity,
        start,
        end,
        now,
        over(length),
        over(whole_weeks),
        float(np.mean(same)) if same else None,
        float(np.std(same, ddof=1)) if len(same) > 1 else None,
        limits,
        limits.breached(now.value, tracked.bad),
        peers,
        next((row for row in peers.rows if row.entity == entity), None) if peers else None,
    )


def _peers(store: Store, tracked: Tracked, entity: str, start: datetime, end: datetime) -> Ranking | None:
    try:
        return rank(store, tracked, entity.partition(":")[0], start, end)
    except UserError:  # an amount, or nobody beside it
        return None


def _whole_days(start: datetime, end: datetime) -> bool:
    return all(round(each.timestamp()) % DAY_SEC == 0 for each in (start, end))
