"""Baselines of one batch: the resolution of each series, then `detectors.learning`, as the training job does on the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from detectors.baseline import Baseline
from detectors.calendars import Calendar, with_calendar
from detectors.fleet.plan import Batch
from detectors.fleet.reading import panel_of
from detectors.learning import learn
from detectors.panel import Panel, merged
from detectors.resolution import STEPS, resolution_of

# Baselines of the services of one KPI by step, whether they are judged at it or not: the shape their parts lean on.
Parents = Mapping[int, Baseline]


class Span(NamedTuple):
    """What is worked on: buckets of `step_sec` that lie in [since, until), days and hours those of the calendar's zone."""

    step_sec: int
    since_ms: int
    until_ms: int
    calendar: Calendar

    @property
    def zone(self) -> ZoneInfo:
        return self.calendar.zone


class Learned(NamedTuple):
    """Baselines of a batch's series, one per resolution that some are judged at; of services, `parents` at every step."""

    baselines: list[Baseline]
    parents: Parents
    points: int


def train_batch(batch: Batch, span: Span, parents: Parents) -> Learned:
    """Learns a batch. Pure: the same batch and parents give the same baselines to the last bit, wherever it runs."""
    panel = with_calendar(panel_of(batch, span.step_sec, span.since_ms, span.until_ms), span.calendar)
    steps = np.array(steps_of(panel, span.zone))
    found, known = [], {}
    for step in (one for one in STEPS if one >= span.step_sec):
        chosen = steps == step
        if not (batch.whole or chosen.any()):
            continue
        own = merged(panel, step, span.zone)
        if batch.whole:
            known[step] = learn(own, span.zone)
            if chosen.any():
                found.append(known[step].rows(chosen))
        else:
            found += _parts(own if chosen.all() else own.rows(chosen), span.zone, parents.get(step))
    return Learned(found, known, int(np.isfinite(panel.value).sum()))


def steps_of(panel: Panel, zone: ZoneInfo) -> list[int]:
    """Resolution of each series, at least that of the files; a percentile has no exact merge and stays at theirs."""
    if not panel.kpi.mergeable or panel.step_sec > 3600:
        return [panel.step_sec] * len(panel.series)
    return [max(step, panel.step_sec) for step in resolution_of(merged(panel, 3600, zone), zone)]


def _parts(panel: Panel, zone: ZoneInfo, parents: Baseline | None) -> list[Baseline]:
    """Series with a parent lean on it, the others stand alone."""
    place = {} if parents is None else {series.service: row for row, series in enumerate(parents.series)}
    found = []
    for with_parent in (True, False):
        rows = np.array([(series.service in place) == with_parent for series in panel.series], dtype=bool)
        if not rows.any():
            continue
        own = panel if rows.all() else panel.rows(rows)
        lean_on = (
            parents.rows([place[one.service] for one in own.series]) if parents is not None and with_parent else None
        )
        found.append(learn(own, zone, lean_on))
    return found
