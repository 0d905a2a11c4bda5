"""When records begin: a Poisson process whose rate follows the hour of the week, over-dispersed by gamma noise.

Time is cut into blocks of six hours. A block is made from its own stream of random numbers, so that any day can be made
alone; no record lives longer than a block, so that a day needs the last block of the day before and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from datagen.streams import Streams
from datagen.table import Floats, Ints

DAY_MS = 86_400_000
BLOCK_MS = DAY_MS // 4
BLOCKS_A_DAY = 4
SLOT_MS = 300_000
SLOTS = BLOCK_MS // SLOT_MS
SLOTS_A_DAY = DAY_MS // SLOT_MS


@lru_cache(maxsize=64)
def local_hours(block: int, zone: ZoneInfo) -> Floats:
    """Hour of the week (0–168, Monday 00:00 = 0, fractional) at the middle of each slot of a block, local time."""
    hours = np.empty(SLOTS)
    for slot in range(SLOTS):
        middle = block * BLOCK_MS + slot * SLOT_MS + SLOT_MS // 2
        local = datetime.fromtimestamp(middle / 1000, UTC).astimezone(zone)
        hours[slot] = local.weekday() * 24 + local.hour + local.minute / 60 + local.second / 3600
    return hours


def weights(curve: Floats, block: int, zone: ZoneInfo) -> Floats:
    """Relative rate in each slot: the 168 hourly values of `curve`, drawn through the middles of the hours."""
    hours = local_hours(block, zone) - 0.5
    before = np.floor(hours).astype(int)
    part = hours - before
    drawn: Floats = curve[before % 168] * (1 - part) + curve[(before + 1) % 168] * part
    return drawn


def arrivals(
    stream: Streams,
    service: str,
    block: int,
    *,
    per_day: Floats,
    curves: Sequence[Floats],
    zone: ZoneInfo,
    hourly: float,
    daily: float,
) -> tuple[Ints, Ints]:
    """Sources (index into `per_day`, records a day) and times (ms since 1970) of the records that begin in `block`.

    `hourly` and `daily`: noise of the rate itself, standard deviation relative to the mean.
    """
    rng = stream(service, "arrivals", block)
    rate = np.stack([weights(curve, block, zone) for curve in curves]) * (per_day / SLOTS_A_DAY)[:, None]
    rate *= np.repeat(_noise(rng, hourly, (per_day.size, SLOTS // 12)), 12, axis=1)
    rate *= _noise(stream(service, "day", block // BLOCKS_A_DAY), daily, (per_day.size, 1))
    counts = rng.poisson(rate).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    offset = rng.integers(0, SLOT_MS, cell.size)
    return cell // SLOTS, block * BLOCK_MS + (cell % SLOTS) * SLOT_MS + offset


def _noise(rng: np.random.Generator, spread: float, shape: tuple[int, int]) -> Floats:
    """Positive factors with mean 1 and standard deviation `spread`."""
    if spread == 0:
        return np.ones(shape)
    return rng.gamma(spread**-2, spread**2, shape)
