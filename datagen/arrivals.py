"""When records begin: a Poisson process whose rate follows the local hour of the week, over-dispersed by noise of the rate.

Time is cut into blocks of six hours. A block is made from its own stream of random numbers, so that any day can be made
alone; no record lives longer than a block, so that a day needs the last block of the day before and nothing else. Where a
service has many records a day, a block is made in parts, each from a stream of its own, so that memory does not grow with
the rate; what the rate follows is the block's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
MOST_A_DAY = 250_000  # records a day up to which a block is made whole
_PART_A_DAY = 125_000  # beyond: parts as large as blocks at this rate, since incidents and busy hours come on top
_IDS = 2**32  # of the records of a block
_IDS_OF_PART = 2**25
Curve = tuple[Profile, Clock]


@dataclass(frozen=True, slots=True)
class Span:
    """What is made at once: a block, or one of the equal `parts` of it, counted from 0. Times are ms since 1970."""

    block: int
    part: int = 0
    parts: int = 1

    @property
    def slots(self) -> int:
        return SLOTS // self.parts

    @property
    def start(self) -> int:
        return self.block * BLOCK_MS + self.part * self.slots * SLOT_MS

    @property
    def end(self) -> int:
        return self.start + self.slots * SLOT_MS

    @property
    def last_end(self) -> int:
        """The latest moment at which a record that begins here may end: a day is made from the block before it."""
        return (self.block + 2) * BLOCK_MS - 1

    @property
    def name(self) -> tuple[int, ...]:
        """For streams of random numbers."""
        return (self.block,) if self.parts == 1 else (self.block, self.parts, self.part)

    @property
    def first_id(self) -> int:
        return self.block * _IDS + self.part * _IDS_OF_PART

    @property
    def following(self) -> Span:
        last = self.part == self.parts - 1
        return Span(self.block + 1, 0, self.parts) if last else Span(self.block, self.part + 1, self.parts)


def parts_of(per_day: float) -> int:
    """Parts in which a block is made: 1 up to MOST_A_DAY, else the fewest that divide its slots and have about 30,000 records
    each at most; its slots where even those have more."""
    if per_day <= MOST_A_DAY:
        return 1
    return next((n for n in range(2, SLOTS) if SLOTS % n == 0 and per_day <= n * _PART_A_DAY), SLOTS)


def spans(block: int, blocks: int, parts: int) -> Iterator[Span]:
    """Those of so many blocks, in order."""
    for number in range(block, block + blocks):
        for part in range(parts):
            yield Span(number, part, parts)


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
    span: Span,
    *,
    per_day: Floats,
    curves: Sequence[Curve],
    noise: Noise,
    factor: Floats | None = None,
) -> tuple[Ints, Ints]:
    """Sources (index into `per_day`, records a day) and times (ms since 1970) of the records that begin in `span`.

    `curves`: of each source. `factor`: on the rate, sources × slots of the block, such as trend and promotions.
    """
    block = span.block
    rng = stream(service, "arrivals", block)
    drawn = {curve: weights(curve, block) for curve in set(curves)}
    rate = np.stack([drawn[curve] for curve in curves]) * (per_day / SLOTS_A_DAY)[:, None]
    if factor is not None:
        rate *= factor
    rate *= np.repeat(gamma(rng, noise.hourly, (per_day.size, SLOTS // _HOUR_SLOTS)), _HOUR_SLOTS, axis=1)
    rate *= gamma(stream(service, "day", block // BLOCKS_A_DAY), noise.daily, (per_day.size, 1))
    rate *= _drift(stream, service, block, per_day.size, noise)
    if span.parts > 1:
        rng, rate = stream(service, "arrivals", *span.name), rate[:, span.part * span.slots :][:, : span.slots]
    counts = rng.poisson(rate).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    offset = rng.integers(0, SLOT_MS, cell.size)
    return cell // span.slots, span.start + (cell % span.slots) * SLOT_MS + offset


def _drift(stream: Streams, service: str, block: int, sources: int, noise: Noise) -> Floats:
    if noise.slow == 0:
        return np.ones((sources, 1))
    memory = noise.memory * _HOUR_SLOTS
    first = max(0, block - int(np.ceil(noise.REACH * memory / SLOTS)))
    steps = [stream(service, "drift", each).standard_normal((sources, SLOTS)) for each in range(first, block + 1)]
    return drift(steps, SLOTS, noise.slow, memory)
