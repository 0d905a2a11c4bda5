"""Anomalies made by hand for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from contracts.ids import joined
from detectors.findings import Anomaly
from detectors.subject import Series

FAMILY = {"voip.ner": "effectiveness", "voip.asr": "effectiveness", "voip.attempts": "traffic", "sms.volume": "traffic"}


def anomaly(series: Series, start: int, scores: list[float], *, step_sec: int = 300, **changes: Any) -> Anomaly:
    """An anomaly of one bucket per score from `start` (epoch ms)."""
    step = step_sec * 1000
    values: dict[str, Any] = {
        "id": joined((series, start, changes.get("detector", "baseline"))),
        "series": series,
        "alias": series.kpi.rpartition(".")[2].upper(),
        "family": FAMILY.get(series.kpi, "quality"),
        "detector": "baseline",
        "step_sec": step_sec,
        "start": int(start),
        "end": int(start) + step * len(scores),
        "open": False,
        "detected": int(start) + step,
        "score": max(scores),
        "direction": "low",
        "actual": 0.5,
        "expected": 0.97,
        "lower": 0.9,
        "upper": 1.0,
        "samples": 100.0,
        "effect": 0.4,
        "reason": f"{series.kpi} of {series.entity}",
        "buckets": int(start) + step * np.arange(len(scores), dtype=np.int64),
        "scores": np.array(scores),
    }
    return Anomaly(**{**values, **changes})
