"""How much is wanted when, and by whom: trend and promotions, on the rate of each source and on who uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from datagen.arrivals import SLOT_MS, slot_middles
from datagen.model import Model
from datagen.streams import Stream
from datagen.table import Floats, Ints
from datagen.traffic.calendar import Clock
from datagen.traffic.growth import Growth, appetite, local_day

Drawn = dict[str, np.ndarray]
_TRIES = 200  # of a draw that somebody else is more likely to take; what is left then stays as it was drawn


def level(
    growth: Growth, service: str, block: int, clocks: Sequence[Clock], use: Floats, plans: tuple[str, ...]
) -> Floats | None:
    """Factor on the rate of each source in each slot (sources × slots); None where there is none.

    clocks: of each source; use: share of each plan in its traffic (sources × plans).
    """
    if not growth.promotions and not growth.trend.per_year.get(service):
        return None
    middles = slot_middles(block).tolist()
    trend = [growth.trend.factor(service, datetime.fromtimestamp(ms / 1000, UTC)) for ms in middles]
    factor = np.tile(trend, (len(clocks), 1))
    for clock in set(clocks) if growth.promotions else ():
        rows = [row for row, each in enumerate(clocks) if each == clock]
        for slot, ms in enumerate(middles):
            promotions = growth.active(service, local_day(ms, clock))
            if promotions:
                factor[rows, slot] *= use[rows] @ appetite(promotions, plans)
    return factor


def drawn(
    model: Model,
    service: str,
    rng: Stream,
    draw: Callable[[Ints], Drawn],
    start: Ints,
    source: Ints,
    clocks: Sequence[Clock],
) -> Drawn:
    """What `draw(rows)` gives, `customer` among it, for each record; customers of a promoted plan as much more often.

    start, source: of each record; clocks: of each source.
    """
    rows = np.arange(start.size)
    found = draw(rows)
    likes = _likes(model, service, start, source, clocks)
    if likes is None:
        return found
    table, where = likes
    for _ in range(_TRIES):
        kept = rng.random(rows.size) < table[where[rows], model.customers.plan(found["customer"][rows])]
        rows = rows[~kept]
        if not rows.size:
            break
        for key, column in draw(rows).items():
            found[key][rows] = column
    return found


def _likes(
    model: Model, service: str, start: Ints, source: Ints, clocks: Sequence[Clock]
) -> tuple[Floats, Ints] | None:
    """How likely a customer of each plan is to be drawn (0–1, relative to the likeliest), a row a moment and source; and the
    row of each record. None where no promotion lasts."""
    growth, plans = model.network.growth, model.customers.base.plans
    if not growth.promotions or not start.size:
        return None
    moments, where = np.unique(np.stack([start // SLOT_MS, source]), axis=1, return_inverse=True)
    table = np.ones((moments.shape[1], len(plans)))
    for row, (slot, which) in enumerate(moments.T.tolist()):
        factors = appetite(growth.active(service, local_day(slot * SLOT_MS, clocks[which])), plans)
        table[row] = factors / max(factors.max(), 1e-12)
    return None if (table == 1).all() else (table, where.ravel())
