"""Public detectors beside ours: the same series, points, quiet weeks, grouping and evaluation, in one run.

Every series is judged twice: by the points as ours has them (five minutes where they are kept, else hours), and by the hour,
where the slow ones of them can be afforded, too. Each peer has, after the fact, the threshold that gives it the best F1, which
no operator could have known; ours has the one it always has. Scores are put on one footing by the quiet weeks: a threshold is
so many times the highest score that a series showed in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.clock import from_epoch_ms
from contracts.entities import Entity
from contracts.errors import UserError
from detectors.bench.alarms import Scored, incidents_of
from detectors.bench.scoring import Scorer, scorer
from detectors.bench.truth import ours
from detectors.bench.world import World
from detectors.evaluation import Evaluation, Labelled, evaluate
from detectors.evidence import Evidence
from detectors.findings import Incident
from detectors.judging import Judgement, find, train_all
from detectors.panel import Load, Panel
from detectors.peers import available, missing
from detectors.subject import Kpi

TIMES = (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0)
GOES_ON = 0.5  # of the threshold, down to which a run goes on: tried beside the threshold itself,
NEAR = 3  # at so many of the best
SLOW = frozenset({"ecod", "random_cut_forest", "stl_residual", "half_space_trees"})  # by the hour only
HOUR = 3600
QUIET = 1.0  # false alarms per service and week that a night shift may be asked to bear
FIGURES = ("precision", "recall", "f1", "median_delay_s", "false_alarms_per_service_week")


@dataclass(frozen=True, slots=True)
class Field:
    """What all are given: the same panels, the truth, and our evidence of where losses lie. `own`: what ours found there."""

    step: str
    panels: Sequence[Panel]
    evidence: Evidence
    own: Sequence[Incident]
    peers: Sequence[str]


def chosen(names: Sequence[str]) -> list[str]:
    """The peers of these names, all that can run here without any. Raises UserError on one that cannot, or that is none."""
    known, lacking = available(), missing()
    for name in names:
        if name not in known and name not in lacking:
            raise UserError(
                f"no such detector: {name}", where="--peer", remedy=f"one of {', '.join([*known, *lacking])}"
            )
    for name in names:
        if name in lacking:
            raise UserError(f"{name} cannot run here", where="--peer", remedy=lacking[name])
    return list(dict.fromkeys(names)) or list(known)


def beside(
    world: World,
    truth: Sequence[Labelled],
    judgement: Judgement,
    names: Sequence[str],
    *,
    say: Callable[[str], None],
    processes: int | None = None,
) -> dict[str, Any]:
    """By resolution: `series`, `detectors` (FIGURES, threshold), ours first; and what `missing` peers lack.

    `judgement`: what ours found with the points as they are kept.
    """
    quick = [name for name in names if name not in SLOW]
    fine = Field("as_kept", list(_kept(world)), Evidence(judgement.judged), judgement.incidents, quick)
    found: dict[str, Any] = {}
    with scorer(processes) as scores:
        for field in (fine, _hours(world, names)):
            found[field.step] = _compared(world, truth, field, scores, say)
    return {**found, "missing": missing()}


def _kept(world: World) -> Iterator[Panel]:
    """Every judged series once, at the finest resolution at which it is kept."""
    for kpi in world.kpis.values():
        fine = world.points.load(kpi, 300, world.start_ms, world.end_ms, None)
        hours = world.points.load(kpi, HOUR, world.start_ms, world.end_ms, None)
        known = set(fine.series)
        yield fine
        yield hours.rows([row for row, series in enumerate(hours.series) if series not in known])


def _hours(world: World, names: Sequence[str]) -> Field:
    """Everything by the hour, ours trained and judging there as well."""
    kpis = [replace(kpi, finest_sec=max(kpi.finest_sec, HOUR)) for kpi in world.kpis.values()]
    load, zone = _by_the_hour(world.points.load), world.points.zone
    baselines = train_all(kpis, load, world.start_ms, world.judged_ms, zone)
    judgement = find(kpis, baselines, load, world.judged_ms, world.end_ms, zone)
    panels = [load(kpi, HOUR, world.start_ms, world.end_ms, None) for kpi in kpis]
    return Field("by_the_hour", panels, Evidence(judgement.judged), judgement.incidents, names)


def _by_the_hour(load: Load) -> Load:
    def coarse(kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None) -> Panel:
        panel = replace(load(kpi, step_sec, since_ms, until_ms, entities), kpi=kpi)
        return panel.rows([]) if step_sec < HOUR else panel

    return coarse


def _compared(
    world: World, truth: Sequence[Labelled], field: Field, scores: Scorer, say: Callable[[str], None]
) -> dict[str, Any]:
    rows = {"busyhour": _figures(_evaluated(world, truth, field.own))}
    for name in field.peers:
        say(f"{field.step.replace('_', ' ')}: {name}")
        rows[name] = _best(world, truth, field, scores.of(name, field.panels, world.judged_ms))
    return {"series": sum(len(panel.series) for panel in field.panels), "detectors": rows}


def _best(world: World, truth: Sequence[Labelled], field: Field, scored: Sequence[Scored]) -> dict[str, Any]:
    """The figures at the threshold with the best F1; `f1_quiet`: the best F1 of those with QUIET false alarms at most."""
    results: list[tuple[Evaluation, float, float]] = []

    def tried(times: float, share: float) -> None:
        found = incidents_of(scored, times, share * times, field.evidence, world.judged_ms)
        if found is not None:
            results.append((_evaluated(world, truth, found), times, share))

    for times in TIMES:
        tried(times, 1.0)
    for _, times, _ in sorted(results, key=_worth, reverse=True)[:NEAR]:
        tried(times, GOES_ON)
    if not results:
        return {**dict.fromkeys(FIGURES), "f1": 0.0, "f1_quiet": 0.0, "threshold": None}
    result, times, share = max(results, key=_worth)
    quiet = [one.f1 for one, _, _ in results if one.false_alarms_per_service_week <= QUIET]
    return {**_figures(result), "f1_quiet": max(quiet, default=0.0), "threshold": times, "goes_on": share * times}


def _worth(tried: tuple[Evaluation, float, float]) -> tuple[float, float]:
    return tried[0].f1, -tried[0].false_alarms_per_service_week


def _figures(result: Evaluation) -> dict[str, Any]:
    """FIGURES, and `f1_quiet`: F1 where there is at most one false alarm per service and week, else 0."""
    quiet = result.f1 if result.false_alarms_per_service_week <= QUIET else 0.0
    return {name: getattr(result, name) for name in FIGURES} | {"f1_quiet": quiet}


def _evaluated(world: World, truth: Sequence[Labelled], found: Sequence[Incident]) -> Evaluation:
    since, until = from_epoch_ms(world.judged_ms), from_epoch_ms(world.end_ms)
    return evaluate(truth, [ours(one) for one in found], since=since, until=until)
