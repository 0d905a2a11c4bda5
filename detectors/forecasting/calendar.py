"""Where buckets lie in the local week: the day they belong to and their place in it."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
DAY_SEC, WEEK_SEC = 86_400, 604_800


class Places(NamedTuple):
    """`day`: local days since the first bucket's; `slot`: place in the local day; `weekday`: 0 Monday … 6; `slots`: a day's."""

    day: Ints
    slot: Ints
    weekday: Ints
    slots: int

    def upto(self, rows: int) -> Places:
        return Places(self.day[:rows], self.slot[:rows], self.weekday[:rows], self.slots)


def places(start: float, step_sec: int, rows: int, zone: ZoneInfo) -> Places:
    """Of `rows` buckets from `start` (epoch seconds). DST-safe: by the zone's own offset at each bucket's middle."""
    middle = start + step_sec * (np.arange(rows) + 0.5)
    local = pd.DatetimeIndex(pd.to_datetime(middle, unit="s", utc=True)).tz_convert(zone).tz_localize(None)
    seconds = np.asarray((local - pd.Timestamp(0)).total_seconds(), dtype=np.int64)
    day = seconds // DAY_SEC
    slots = max(DAY_SEC // step_sec, 1)
    slot = (seconds % DAY_SEC) * slots // DAY_SEC
    first = day[0] if rows else 0
    return Places(day - first, slot, (day + 3) % 7, int(slots))
