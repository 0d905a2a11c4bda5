"""A calendar laid over panels, wherever they come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contracts.entities import Entity
from detectors.calendars.calendar import MARK, Calendar
from detectors.panel import Panel, excused


def with_calendar(panel: Panel, calendar: Calendar) -> Panel:
    """The panel as it may be learned from and judged.

    Maintenance: nothing of the entity is. An event: its traffic is not (a match makes calls, it does not fail them).
    Holidays: judged by what is normal for Sundays, not learned from (`Panel.holidays`).
    """
    if not len(panel.starts) or not panel.series:
        return panel
    first, end = int(panel.starts[0]), int(panel.ends[-1])
    panel = replace(panel, holidays=calendar.holiday_numbers(first, end))
    least = MARK["event"] if panel.kpi.family == "traffic" else MARK["maintenance"]
    planned = [one for one in calendar.planned if one.start < end and one.end > first and MARK[one.kind] >= least]
    if not planned:
        return panel
    only = replace(calendar, country="", planned=tuple(planned))
    known: dict[Entity, np.ndarray] = {}
    for series in panel.series:
        if series.entity not in known:
            known[series.entity] = only.marks(panel.starts, panel.step_sec, series.entity) >= least
    out = np.stack([known[series.entity] for series in panel.series])
    return excused(panel, out) if out.any() else panel
