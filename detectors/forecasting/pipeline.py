"""From stored points to a forecast with its crossings: what `busyhour kpi forecast` answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from contracts.entities import Entity
from contracts.errors import UserError
from detectors.forecasting.calendar import DAY_SEC, places
from detectors.forecasting.capacity import Capacity
from detectors.forecasting.crossing import Crossing, by_busy_hour, by_day_mean
from detectors.forecasting.forecast import Forecast, forecast
from detectors.forecasting.history import History, history, kind_of
from detectors.forecasting.kept import keep
from infrastructure.store import Store
from kpis.definitions import Definition


class Outlook(NamedTuple):
    """`target`, `capacity_crossing`: None where the KPI has no target, or no capacity was given.

    `kept`: accuracies of this and earlier forecasts of the series, oldest first.
    """

    history: History
    forecast: Forecast
    target: Crossing | None
    capacity_crossing: Crossing | None
    kept: list[dict[str, Any]]

    def start(self, bucket: int) -> datetime:
        """Start of bucket `bucket` of the forecast."""
        return self.history.until + timedelta(seconds=self.history.step_sec * bucket)


def outlook(
    store: Store,
    definition: Definition,
    entity: Entity,
    *,
    days: int,
    zone: ZoneInfo,
    capacity: Capacity | None = None,
    until: datetime | None = None,
    level: float = 0.9,
) -> Outlook:
    """Forecast of `days` days from the last stored point (or `until`), its accuracy measured and kept.

    Raises UserError where there are no points, or too few.
    """
    past = history(store, definition, entity, until)
    if not len(past.values):
        raise UserError(
            f"no points of {definition.id}",
            where=str(entity),
            remedy="roll up first (`busyhour rollup`), or look at `kpi show`",
        )
    horizon = days * DAY_SEC // past.step_sec
    start = past.start.timestamp()
    found = forecast(
        past.values,
        start=start,
        step_sec=past.step_sec,
        horizon=horizon,
        kind=kind_of(definition),
        zone=zone,
        level=level,
    )
    where = places(past.until.timestamp(), past.step_sec, horizon, zone)
    target = None
    if definition.target is not None:
        least = definition.target_op == ">="
        target = by_day_mean(found.mean, found.lower, found.upper, where, definition.target, least)
    crossing = by_busy_hour(found.mean, found.upper, where, capacity.carried) if capacity else None
    entries = keep(store, definition.id, entity, past.until, found.accuracy)
    return Outlook(past, found, target, crossing, entries)
