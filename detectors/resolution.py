"""At which resolution a series is judged: the finest at which a daytime bucket holds about 20 samples."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from detectors.panel import Panel, local_time, since_first

STEPS = (300, 3600, 86400)
ENOUGH = 20.0  # samples a bucket: a ratio of 0.97 is then judged with steps of 0.05
LEAST_AN_HOUR = 1.0  # from here on windows of several hours say more, and sooner, than a day
ENOUGH_FOR_PERCENTILE = 100.0  # of fewer, the 95th percentile is one of the five highest
DAYTIME = range(8, 20)  # local hours


def resolution_of(hourly: Panel, zone: ZoneInfo) -> list[int]:
    """Seconds per series, from its samples an hour: the median of the daytime hours' means, hours without any as none."""
    if not len(hourly.starts) or hourly.step_sec == STEPS[-1]:
        return [STEPS[-1]] * len(hourly.series)
    hour = local_time(hourly, zone).cell % 24
    samples = np.nan_to_num(hourly.value if hourly.kpi.model == "count" else hourly.samples)
    delivered = (hourly.coverage > 0).any(axis=0)  # an hour in which no series has data says nothing about any
    there = since_first(hourly) & delivered
    hours = [hour == one for one in DAYTIME]
    means = [(samples * there)[:, one].sum(axis=1) / np.maximum(there[:, one].sum(axis=1), 1) for one in hours]
    typical = np.median(means, axis=0)
    enough = ENOUGH if hourly.kpi.mergeable else ENOUGH_FOR_PERCENTILE
    least = LEAST_AN_HOUR if hourly.kpi.mergeable else enough
    steps = (300 if one >= 12 * enough else 3600 if one >= least else 86400 for one in typical)
    return [max(one, hourly.kpi.finest_sec) for one in steps]
