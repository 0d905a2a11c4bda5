"""Whether scores are as rare as they state: over the same weeks without any incident, baselines learned as always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.baseline import Baseline
from detectors.bench.world import World
from detectors.judging import judged_panels
from detectors.scorers import running
from detectors.tails import surprise_of

LEVELS = (60, 75)


def calibration(world: World, baselines: Sequence[Baseline]) -> dict[str, Any]:
    """Scores of sudden deviations over the judged weeks of the run without incidents.

    `looks`: series × buckets × directions that are bad; per level `share` of the looks that reach it and `stated`, the
    probability that the score stands for; `by_model`: the same shares for counts, ratios and continuous values.
    """
    looks: Counter[str] = Counter()
    over: Counter[tuple[str, int]] = Counter()
    for kpi in world.kpis.values():
        own = [one for one in baselines if one.kpi.id == kpi.id]
        for judged in judged_panels(kpi, own, world.quiet.load, world.judged_ms, world.end_ms):
            if not kpi.mergeable and judged.panel.bins is None:
                continue
            for high in {"low": (False,), "high": (True,), "both": (False, True)}[kpi.bad]:
                score = running.score(judged.panel, judged.baseline, judged.expected, high=high).score
                looks[kpi.model] += int(np.isfinite(score).sum())
                for level in LEVELS:
                    over[kpi.model, level] += int((np.nan_to_num(score) >= level).sum())
    every = sum(looks.values())
    return {
        "looks": every,
        **{
            f"score_{level}": {
                "share": sum(over[model, level] for model in looks) / max(every, 1),
                "stated": 10.0 ** -surprise_of(level),
                "by_model": {model: over[model, level] / max(looks[model], 1) for model in sorted(looks)},
            }
            for level in LEVELS
        },
    }
