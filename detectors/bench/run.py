"""The order of a bench run: traffic with and without incidents → train on the quiet weeks → detect → oracle → evaluate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.clock import from_epoch_ms
from contracts.settings import Settings
from detectors.bench.beside import beside, chosen
from detectors.bench.calibration import calibration
from detectors.bench.oracle import Seen, look
from detectors.bench.truth import label, ours
from detectors.bench.world import World, make
from detectors.evaluation import Evaluation, Labelled, evaluate
from detectors.findings import Incident as Ours
from detectors.joints import QuietHours
from detectors.judging import Judgement, find, train_all
from infrastructure.memory import peak_bytes

Say = Callable[[str], None]
TWO_BUCKETS = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Benched:
    """One seed: `world` and what was made of it."""

    world: World
    seen: Mapping[str, Seen]
    truth: tuple[Labelled, ...]
    judgement: Judgement
    evaluation: Evaluation
    calibration: Mapping[str, Any]
    seconds: Mapping[str, float]


def bench_detect(
    settings: Settings, *, seed: int, weeks: int, say: Say, peers: Sequence[str] | None = None
) -> dict[str, Any]:
    """The figures of one seed: `evaluate`'s keys first, then by incident type, and what the oracle says of each incident.

    Points are counted straight from the generated tables (`bench.tables`): no files, no node. An incident that the oracle
    does not see, or that the books of files must tell, is shown and not scored. `peers`: public detectors to judge the same
    points (`bench.beside`); empty: all that can run here, None: none. Raises UserError on one that cannot, or that is none.
    """
    names = None if peers is None else chosen(peers)
    result = benched(settings, seed=seed, weeks=weeks, say=say)
    found = figures(result)
    if names is not None:
        took: dict[str, float] = {}
        with _Timed(took, "peers"):
            found["peers"] = beside(result.world, result.truth, result.judgement, names, say=say)
        found["seconds"]["peers"] = round(took["peers"], 1)
    return found


def benched(settings: Settings, *, seed: int, weeks: int, say: Say) -> Benched:
    """Makes the weeks of a seed and judges them. Raises UserError where the weeks have no room for the library."""
    took: dict[str, float] = {}
    say(f"seed {seed}: {weeks} weeks of traffic, with the incidents and without")
    with _Timed(took, "traffic"):
        world = make(settings, seed=seed, weeks=weeks)
    with _Timed(took, "oracle"):
        seen = {one.id: look(world, one) for one in world.incidents}
    return judged(world, seen, took)


def judged(world: World, seen: Mapping[str, Seen], took: dict[str, float]) -> Benched:
    """Trains on the quiet weeks, detects in the others, evaluates."""
    kpis, load, zone = list(world.kpis.values()), world.points.load, world.points.zone
    with _Timed(took, "train"):
        baselines = train_all(kpis, load, world.start_ms, world.judged_ms, zone, known := QuietHours())
        joints = known.joints()
    with _Timed(took, "detect"):
        judgement = find(kpis, baselines, load, world.judged_ms, world.end_ms, zone, joints=joints)
    truth = tuple(label(one, seen[one.id]) for one in world.incidents)
    since, until = from_epoch_ms(world.judged_ms), from_epoch_ms(world.end_ms)
    evaluation = evaluate(truth, [ours(one) for one in judgement.incidents], since=since, until=until)
    with _Timed(took, "calibration"):
        rates = calibration(world, baselines)
    return Benched(world, seen, truth, judgement, evaluation, rates, took)


def figures(result: Benched) -> dict[str, Any]:
    """As one JSON object. `abrupt_plain`: incidents of the shape `step` that the oracle sees within two buckets."""
    evaluation, shapes = result.evaluation, {one.type.name: one.type.shape for one in result.world.incidents}
    abrupt = [one for one in evaluation.matches if one.scored and shapes[one.type] == "step"]
    delays = [one.delay_s for one in abrupt if one.delay_s is not None]
    usual = {one.id for one in result.world.incidents if one.id.endswith("-1")}
    full = [one.delay_s for one in abrupt if one.delay_s is not None and one.labelled in usual]
    seen = [after for one in abrupt if (after := result.seen[one.labelled].after_s) is not None]
    plain = [one for one in abrupt if (result.seen[one.labelled].after_s or math.inf) <= TWO_BUCKETS]
    in_time = [each for each in evaluation.matches if each.scored and _could_be_in_time(result, each.labelled)]
    return {
        "seed": result.world.seed,
        **evaluation.as_dict(),
        "labelled": len(evaluation.matches),
        "scored": sum(each.scored for each in evaluation.matches),
        "abrupt_median_delay_s": _middle(delays),
        "abrupt_full_strength_median_delay_s": _middle(full),
        "oracle_abrupt_median_delay_s": _middle(seen),
        "abrupt_plain": len(plain),
        "abrupt_plain_median_delay_s": _middle([math.inf if one.delay_s is None else one.delay_s for one in plain]),
        "within_limit": sum(not each.late and bool(each.found) for each in in_time),
        "oracle_within_limit": len(in_time),
        "calibration": dict(result.calibration),
        "oracle": {name: _seen(one) for name, one in result.seen.items()},
        "false_alarms": [_alarm(one) for one in result.judgement.incidents if one.id in evaluation.false_alarms],
        "seconds": {name: round(value, 1) for name, value in result.seconds.items()},
        "peak_rss_bytes": peak_bytes(),
    }


def _could_be_in_time(result: Benched, name: str) -> bool:
    limit = next(one.limit_s for one in result.truth if one.id == name)
    after = result.seen[name].after_s
    return limit is None or (after is not None and after <= limit)


def _middle(values: Sequence[float]) -> float | None:
    """The median; None of none, and where half of them never came."""
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2 if ordered else math.inf
    return middle if math.isfinite(middle) else None


def _seen(one: Seen) -> dict[str, Any]:
    return {"surprise": one.surprise, "after_s": one.after_s, "where": one.where}


def _alarm(one: Ours) -> dict[str, Any]:
    return {
        "id": one.id,
        "start": from_epoch_ms(one.start),
        "end": from_epoch_ms(one.end),
        "title": one.title,
        "reason": one.reason,
    }


class _Timed:
    """Processor seconds of a stage."""

    def __init__(self, took: dict[str, float], stage: str) -> None:
        self._took, self._stage, self._began = took, stage, 0.0

    def __enter__(self) -> None:
        self._began = time.process_time()

    def __exit__(self, *error: object) -> None:
        self._took[self._stage] = time.process_time() - self._began
