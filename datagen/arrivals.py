"""When records begin: a Poisson process whose rate follows the local hour of the week, over-dispersed by noise of the rate.

Time is cut into blocks of six hours. A block is made from its own stream of random numbers, so that any day can be made
alone; no record lives longer than a block, so that a day needs the last block of the day before and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from datagen.streams import Streams
from datagen.table import Floats, Ints
from datagen.traffic.calendar import Clock
from datagen.traffic.noise import Noise, drift, gamma
from datagen.traffic.profiles import Profile

DAY_MS = 86_400_000
BLOCK_MS = DAY_MS // 4
BLOCKS_A_DAY = 4
SLOT_MS = 300_000
SLOTS = BLOCK_MS // SLOT_MS
SLOTS_A_DAY = DAY_MS // SLOT_MS
_HOUR_SLOTS = 3_600_000 // SLOT_MS
Curve = tuple[Profile, Clock]


def slot_middles(block: int) -> Ints:
    """Middle of each slot of a block, ms since 1970."""
    return block * BLOCK_MS + np.arange(SLOTS) * SLOT_MS + SLOT_MS // 2


@lru_cache(maxsize=256)
def local_hours(block: int, clock: Clock) -> tuple[Ints, Ints, Floats]:
    """Of the middle of each slot: the hours half an hour before and after it (as Clock.hour), and how far it is between.

    Local time decides: an hour that does not exist is never met, one that comes twice is met twice.
    """
    before, after = np.empty(SLOTS, np.int64), np.empty(SLOTS, np.int64)
    part = np.empty(SLOTS)
    for slot, middle in enumerate(slot_middles(block).tolist()):
        before[slot], part[slot] = clock.hour(_moment(middle - 1_800_000))
        after[slot], _ = clock.hour(_moment(middle + 1_800_000))
    return before, after, part


def weights(curve: Curve, block: int) -> Floats:
    """Relative rate in each slot: the hourly values of the profile, drawn through the middles of the hours."""
    profile, clock = curve
    hours = profile.scaled(clock.calendar.factor)
    before, after, part = local_hours(block, clock)
    drawn: Floats = hours[before] * (1 - part) + hours[after] * part
    return drawn


def hour_of_week(times: Ints, clock: Clock) -> Ints:
    """Local hour of the week at each time (ms), 0–167; on a holiday 168–191."""
    quarters, place = np.unique(times // 900_000, return_inverse=True)  # zones differ by quarters of an hour
    hours = np.array([clock.hour(_moment(quarter * 900_000))[0] for quarter in quarters.tolist()], np.int64)
    found: Ints = hours[place]
    return found


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def arrivals(
    stream: Streams,
    service: str,
    block: int,
    *,
    per_day: Floats,
    curves: Sequence[Curve],
    noise: Noise,
    factor: Floats | None = None,
) -> tuple[Ints, Ints]:
    """Sources (index into `per_day`, records a day) and times (ms since 1970) of the records that begin in `block`.

    `curves`: of each source. `factor`: on the rate, sources × slots, such as trend and promotions.
    """
    rng = stream(service, "arrivals", block)
    drawn = {curve: weights(curve, block) for curve in set(curves)}
    rate = np.stack([drawn[curve] for curve in curves]) * (per_day / SLOTS_A_DAY)[:, None]
    if factor is not None:
        rate *= factor
    rate *= np.repeat(gamma(rng, noise.hourly, (per_day.size, SLOTS // _HOUR_SLOTS)), _HOUR_SLOTS, axis=1)
    rate *= gamma(stream(service, "day", block // BLOCKS_A_DAY), noise.daily, (per_day.size, 1))
    rate *= _drift(stream, service, block, per_day.size, noise)
    counts = rng.poisson(rate).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    offset = rng.integers(0, SLOT_MS, cell.size)
    return cell // SLOTS, block * BLOCK_MS + (cell % SLOTS) * SLOT_MS + offset


def _drift(stream: Streams, service: str, block: int, sources: int, noise: Noise) -> Floats:
    if noise.slow == 0:
        return np.ones((sources, 1))
    memory = noise.memory * _HOUR_SLOTS
    first = max(0, block - int(np.ceil(noise.REACH * memory / SLOTS)))
    steps = [stream(service, "drift", each).standard_normal((sources, SLOTS)) for each in range(first, block + 1)]
    return drift(steps, SLOTS, noise.slow, memory)
