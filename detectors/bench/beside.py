"""Public detectors on the same points, as generously as can be: each gets the threshold that suits it best, after the fact.

A peer scores each series by itself (five minutes where they are kept, else hours). Scores are put on one footing by the quiet
weeks: a score counts by how many times the quiet weeks' highest it is. Buckets at or above a threshold make incidents: those of
one service, half an hour apart at most, together, naming every entity that showed one. Of several thresholds the one with
the best F1 is kept, which no operator could have known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contracts.clock import from_epoch_ms
from contracts.errors import UserError
from detectors.bench.world import World
from detectors.evaluation import Evaluation, Found, Labelled, evaluate
from detectors.panel import Floats, Panel
from detectors.peers import Peer, available

TIMES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)  # of the highest score in the quiet weeks
GAP_MS = 1_800_000


def beside(world: World, truth: Sequence[Labelled], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By peer: `precision, recall, f1, median_delay_s, false_alarms_per_service_week` at its best threshold.

    Raises UserError on an unknown peer.
    """
    known = available()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"no such detector: {', '.join(unknown)}", remedy=f"one of {', '.join(sorted(known))}")
    return {name: _best(world, truth, known[name]) for name in names}


def _best(world: World, truth: Sequence[Labelled], peer: Peer) -> dict[str, Any]:
    scored = [(panel, _scores(world, panel, peer)) for panel in _panels(world)]
    results = [(_evaluated(world, truth, scored, times), times) for times in TIMES]
    result, times = max(results, key=lambda one: one[0].f1)
    names = ("precision", "recall", "f1", "median_delay_s", "false_alarms_per_service_week")
    return {**{name: getattr(result, name) for name in names}, "threshold": times}


def _panels(world: World) -> Iterator[Panel]:
    """Every judged series once, at the finest resolution at which it is kept."""
    for kpi in world.kpis.values():
        fine = world.points.load(kpi, 300, world.start_ms, world.end_ms, None)
        hours = world.points.load(kpi, 3600, world.start_ms, world.end_ms, None)
        yield fine
        known = set(fine.series)
        yield hours.rows([row for row, series in enumerate(hours.series) if series not in known])


def _scores(world: World, panel: Panel, peer: Peer) -> Floats:
    """Each series' scores over the highest of its quiet weeks, shape (series, buckets)."""
    learn = int((panel.starts < world.judged_ms).sum())
    rows = []
    for values in panel.value:
        if not np.isfinite(values[:learn]).any():
            rows.append(np.zeros(len(values)))
            continue
        scores = peer(values, panel.step_sec, learn)
        rows.append(scores / max(float(scores[learn // 3 : learn].max(initial=0.0)), 1e-12))
    return np.array(rows).reshape(panel.value.shape)


def _evaluated(
    world: World, truth: Sequence[Labelled], scored: Sequence[tuple[Panel, Floats]], times: float
) -> Evaluation:
    hits: dict[str, list[tuple[int, int, str]]] = {}
    for panel, scores in scored:
        judged = panel.starts >= world.judged_ms
        for row, column in np.argwhere((scores >= times) & judged):
            series = panel.series[row]
            span = (int(panel.starts[column]), int(panel.ends[column]), str(series.entity))
            hits.setdefault(series.service, []).append(span)
    found = [one for service, spans in hits.items() for one in _incidents(service, sorted(spans))]
    since, until = from_epoch_ms(world.judged_ms), from_epoch_ms(world.end_ms)
    return evaluate(truth, found, since=since, until=until)


def _incidents(service: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Found]:
    group: list[tuple[int, int, str]] = []
    for span in spans:
        if group and span[0] > max(end for _, end, _ in group) + GAP_MS:
            yield _found(service, group)
            group = []
        group.append(span)
    if group:
        yield _found(service, group)


def _found(service: str, group: Sequence[tuple[int, int, str]]) -> Found:
    start, end = min(one[0] for one in group), max(one[1] for one in group)
    entities = tuple(dict.fromkeys(one[2] for one in group))
    first = min(one[1] for one in group)
    begin, stop, detected = from_epoch_ms(start), from_epoch_ms(end), from_epoch_ms(first)
    return Found(f"{service}-{start}", (service,), entities, begin, stop, detected)
