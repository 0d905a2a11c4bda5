"""Training and judging on panels, without a store: which resolution, which baseline, which scorers, in this order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from contracts.entities import Entity
from detectors.anomalies import Told, deviations, missed_targets, silences
from detectors.baseline import Baseline, empty, finer
from detectors.evidence import Evidence, Judged, judge
from detectors.feedback import Mark, quiet
from detectors.findings import Anomaly, Incident
from detectors.incidents import group
from detectors.joints import QuietHours, unusual
from detectors.learning import learn
from detectors.mix import FAMILY
from detectors.novelties import novelties
from detectors.panel import Bools, Load, Panel
from detectors.resolution import STEPS, resolution_of
from detectors.scorers.joint import Joint
from detectors.shifts import shifts
from detectors.subject import Kpi, Series

READERS = 3  # KPIs whose points are read at the same time
WHOLE = 0.95  # share of a series' samples that its points by five minutes must hold to be judged by them


class Judgement(NamedTuple):
    """What was found; `judged` is what it was found in. `suppressed`: anomalies that a verdict of people keeps quiet."""

    anomalies: list[Anomaly]
    incidents: list[Incident]
    judged: list[Judged]
    suppressed: int = 0


def train_all(
    kpis: Iterable[Kpi], load: Load, since_ms: int, until_ms: int, zone: ZoneInfo, known: QuietHours | None = None
) -> list[Baseline]:
    """Baselines of every KPI: one per resolution that some of its series are judged at.

    `known` gathers what joints are learned from.
    """
    return [one for kpi in kpis for one in train_kpi(kpi, load, since_ms, until_ms, zone, known)]


def train_kpi(
    kpi: Kpi, load: Load, since_ms: int, until_ms: int, zone: ZoneInfo, known: QuietHours | None = None
) -> list[Baseline]:
    """Baselines of one KPI, and for `known` what its hours say beside them.

    Services are learned first: their shape is what sparse hours of their parts lean on.
    """
    base = 86400 if kpi.finest_sec >= 86400 else 3600  # the finest that a resolution is chosen by
    hourly = load(kpi, base, since_ms, until_ms, None)
    steps = resolution_of(hourly, zone)
    found = []
    for step in STEPS:
        chosen = {series for series, own in zip(hourly.series, steps, strict=True) if own == step}
        if not chosen:
            continue
        panel = hourly if step == base else load(kpi, step, since_ms, until_ms, _with_parents(chosen))
        learned = _learned(panel, chosen, zone)
        if known is not None:
            place = {series: row for row, series in enumerate(panel.series)}
            known.add(judge(panel.rows([place[series] for series in one.series]), one) for one in learned)
        found += learned
    return found


def _with_parents(chosen: set[Series]) -> set[Entity]:
    return {one.entity for one in chosen} | {Entity("service", one.service) for one in chosen}


def _learned(panel: Panel, chosen: set[Series], zone: ZoneInfo) -> list[Baseline]:
    whole = np.array([series.entity.type == "service" for series in panel.series], dtype=bool)
    services = learn(panel.rows(whole), zone)
    wanted = np.array([series in chosen for series in panel.series], dtype=bool)
    found = [services.rows(wanted[whole])] if (wanted & whole).any() else []
    parts = panel.rows(wanted & ~whole)
    place = {series.service: row for row, series in enumerate(services.series)}
    for with_parent in (True, False):
        rows = np.array([(series.service in place) == with_parent for series in parts.series], dtype=bool)
        if rows.any():
            own = parts.rows(rows)
            parents = services.rows([place[series.service] for series in own.series]) if with_parent else None
            found.append(learn(own, zone, parents))
    return found


def find(
    kpis: Iterable[Kpi],
    baselines: Iterable[Baseline],
    load: Load,
    since_ms: int,
    until_ms: int,
    zone: ZoneInfo,
    *,
    joints: Sequence[Joint] = (),
    marks: Sequence[Mark] = (),
) -> Judgement:
    """Anomalies and incidents in [since, until), of the buckets that end by `until`, but what `marks` keep quiet."""
    by_kpi: dict[str, list[Baseline]] = {}
    for one in baselines:
        by_kpi.setdefault(one.kpi.id, []).append(one)
    with ThreadPoolExecutor(READERS) as pool:  # the store answers for one KPI while another's answer is made a panel
        parts = pool.map(lambda kpi: _judged(kpi, by_kpi.get(kpi.id, []), load, since_ms, until_ms, zone), kpis)
        judged = [part for each in parts for part in each]
    feeds = [_services(one) for one in judged if one.panel.kpi.model == "count" and not one.panel.kpi.as_stored]
    anomalies = [
        *(anomaly for one in judged for anomaly in deviations(one, zone)),
        *(anomaly for one in judged for part in _by_target(one) for anomaly in missed_targets(part, zone)),
        *(anomaly for one in feeds for anomaly in silences(one, zone)),
    ]
    anomalies += [
        each
        for kpi in kpis
        if kpi.family == FAMILY
        for each in _new_values(kpi, by_kpi, load, since_ms, until_ms, zone)
    ]
    told = Told(anomalies)
    anomalies += [anomaly for one in judged for anomaly in deviations(one, zone, told)]
    anomalies += unusual(judged, joints, anomalies, zone)
    anomalies += shifts(kpis, by_kpi, load, since_ms, until_ms, zone)
    anomalies, suppressed = quiet(marks, anomalies)
    return Judgement(anomalies, group(anomalies, Evidence(judged)), judged, suppressed)


def _new_values(
    kpi: Kpi, by_kpi: Mapping[str, list[Baseline]], load: Load, since_ms: int, until_ms: int, zone: ZoneInfo
) -> list[Anomaly]:
    return novelties(load(kpi, 3600, since_ms, until_ms, None), by_kpi.get(kpi.id, []), zone)


def _services(judged: Judged) -> Judged:
    whole = np.array([series.entity.type == "service" for series in judged.panel.series], dtype=bool)
    return judge(judged.panel.rows(whole), judged.baseline.rows(whole))


def judged_panels(kpi: Kpi, baselines: Iterable[Baseline], load: Load, since_ms: int, until_ms: int) -> list[Judged]:
    """Every series of one KPI that has a baseline, beside what it expects."""
    found: list[Judged] = []
    for baseline in baselines:
        panel = load(kpi, baseline.step_sec, since_ms, until_ms, {series.entity for series in baseline.series})
        found += _as_fine_as_kept(panel, baseline, load, since_ms, until_ms)
    return [one for one in found if len(one.panel.starts)]


def _judged(
    kpi: Kpi, baselines: list[Baseline], load: Load, since_ms: int, until_ms: int, zone: ZoneInfo
) -> list[Judged]:
    """One panel per baseline. Series no baseline knows are judged hourly, against targets only."""
    if kpi.family == FAMILY:  # values that are rarer than by the hour are judged as rare (`novelties`)
        baselines = [one for one in baselines if one.step_sec == 3600]
    found = judged_panels(kpi, baselines, load, since_ms, until_ms)
    known = {series for baseline in baselines for series in baseline.series}
    if kpi.target is not None or kpi.own_targets:
        hourly = load(kpi, 3600, since_ms, until_ms, None)
        strange = np.array([series not in known for series in hourly.series], dtype=bool)
        if strange.any():
            new = hourly.rows(strange)
            found.append(judge(new, empty(kpi, 3600, zone, new.series)))
    return [one for one in found if len(one.panel.starts)]


def _by_target(judged: Judged) -> list[Judged]:
    """Series apart by what they are held to: one entity's own target counts in place of that of all."""
    kpi = judged.panel.kpi
    own = {entity: (value, least) for entity, value, least in kpi.own_targets}
    if not own:
        return [judged]
    held = [own.get(str(series.entity), (kpi.target, kpi.target_is_least)) for series in judged.panel.series]
    found = []
    for target in dict.fromkeys(held):
        rows = np.array([each == target for each in held])
        panel = replace(judged.panel.rows(rows), kpi=replace(kpi, target=target[0], target_is_least=target[1]))
        found.append(judge(panel, judged.baseline.rows(rows), judged.span_sec))
    return found


def _as_fine_as_kept(panel: Panel, baseline: Baseline, load: Load, since_ms: int, until_ms: int) -> list[Judged]:
    """Series of an hourly baseline by five minutes where all their points are kept so, else by the hour."""
    hourly = _complete(panel, baseline)
    if baseline.step_sec != 3600:
        return [hourly]
    fine_step = STEPS[0]
    small = load(panel.kpi, fine_step, since_ms, until_ms, {series.entity for series in baseline.series})
    fine = _complete(small, finer(baseline, fine_step), span_sec=3600)
    kept = np.nansum(fine.panel.samples, axis=1) >= WHOLE * np.nansum(hourly.panel.samples, axis=1)
    kept &= np.isfinite(fine.panel.samples).any(axis=1)
    return [_rows(one, chosen) for one, chosen in ((fine, kept), (hourly, ~kept)) if chosen.any()]


def _rows(judged: Judged, chosen: Bools) -> Judged:
    return judge(judged.panel.rows(chosen), judged.baseline.rows(chosen), judged.span_sec)


def _complete(panel: Panel, baseline: Baseline, span_sec: int | None = None) -> Judged:
    """The baseline's series in `panel`; one without a single point is there all the same, as absent."""
    place = {series: row for row, series in enumerate(panel.series)}
    rows = np.array([place.get(series, -1) for series in baseline.series], dtype=np.int64)
    return judge(panel.with_absent(baseline.series, rows), baseline, span_sec)
