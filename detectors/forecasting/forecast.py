"""A forecast with its interval and what such forecasts were worth in the past."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from contracts.errors import UserError
from detectors.forecasting.backtest import Tried, origins, try_methods
from detectors.forecasting.calendar import places
from detectors.forecasting.intervals import reach
from detectors.forecasting.methods import METHODS
from detectors.forecasting.scale import Floats, Kind, evened, plain

_LONGEST_TRIED_DAYS = 14
LEAST_DAYS = 6  # of history: two to forecast from, and some to try it on


class Accuracy(NamedTuple):
    """Of forecasts from `origins` days past, up to `horizon` buckets ahead.

    `mae`, `naive_mae`: mean absolute error in the values' unit, of the method and of the seasonal naive from the same days.
    `mase`: mean absolute error over that of the seasonal naive within the history; below 1 is better than it.
    `coverage`: share of what came that was inside the interval of the other days' errors; None: too few days.
    """

    method: str
    origins: int
    horizon: int
    mae: float
    naive_mae: float
    mase: float
    coverage: float | None


class Forecast(NamedTuple):
    """Arrays of shape (horizon,), in the values' unit. `level`: share of values that the interval should hold."""

    mean: Floats
    lower: Floats
    upper: Floats
    level: float
    accuracy: Accuracy


def forecast(
    values: Floats,
    *,
    start: float,
    step_sec: int,
    horizon: int,
    kind: Kind = Kind.VALUE,
    zone: ZoneInfo | None = None,
    level: float = 0.9,
) -> Forecast:
    """The next `horizon` values of a series, by the method that forecast the last days best.

    `values`: one a bucket of `step_sec` (minutes to a day) from `start` (epoch seconds), NaN where absent.
    Raises UserError where there is too little history to try a method on.
    """
    values = np.where(np.isfinite(values), values, np.nan).astype(float)
    where = places(start, step_sec, len(values) + horizon, zone or ZoneInfo("UTC"))
    tried_horizon = _tried_horizon(len(values), horizon, where.slots)
    starts = origins(len(values), tried_horizon, where.slots)
    tried = try_methods(values, where, tried_horizon, kind)
    if not tried or not any(np.isfinite(one.mae) for one in tried):
        raise UserError(
            f"{int(np.isfinite(values).sum())} values are too few to forecast from",
            remedy=f"at least {LEAST_DAYS} days of history are needed",
        )
    best = min(tried, key=lambda one: one.mae)
    said = METHODS[best.name](evened(values, kind), where)
    around = reach(best.errors, where, starts, len(values), level)
    return Forecast(
        plain(said, kind),
        plain(said - around.below, kind),
        plain(said + around.above, kind),
        level,
        _accuracy(best, tried, around.coverage),
    )


def _tried_horizon(rows: int, horizon: int, slots: int) -> int:
    """As far ahead as asked, but no farther than two weeks or a third of the history; whole days where it can be."""
    most = min(horizon, _LONGEST_TRIED_DAYS * slots, max(rows // 3, 1))
    return max(most // slots * slots, min(most, slots))


def _accuracy(best: Tried, tried: list[Tried], coverage: float | None) -> Accuracy:
    naive = next(one for one in tried if one.name == "seasonal_naive")
    return Accuracy(best.name, len(best.errors), best.errors.shape[1], best.mae, naive.mae, best.mase, coverage)
