"""KPIs of real public calls, mediated and rolled up, against an independent computation with pandas."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.settings import Settings
from infrastructure.store import Store
from kpis.parts import Point
from kpis.pipeline import rollup
from mediation.pipeline import ingest
from tests.kpis.stored import Place, stored

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
USER = [16, 17, 18, 19, 20, 21, 22]


def _ner(calls: pd.DataFrame, causes: list[int], statuses: list[int]) -> float:
    answered = calls["Session-Disposition"] == "answered"
    cause, status = calls["Disconnect-Cause"], calls["Sip-Status"]
    silent = (status == 0) & (calls["Session-Disposition"] == "ringing")
    user = cause.isin(causes) | (cause.isin([0, 31]) & (status.isin(statuses) | silent))
    return float((answered | user).mean())


def test_kpis_of_the_public_sample_equal_pandas(store: Store, sparse_settings: Settings, real_cdrs: Path) -> None:
    path = real_cdrs / "voip-sample.csv"
    ingest(store, [path], start="2026-10-05T00:00:30", rate="60/h")  # 906 calls in 15 hours and a bit
    calls = pd.read_csv(path)
    day = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp()) * 1000

    rollup(store, now=NOW)
    points = {place[0]: point for place, point in stored(store, 86400).items() if place[1:] == ("service:voip", day)}
    assert points["voip.attempts"].value == 906
    assert points["voip.asr"].value == pytest.approx(0.6887, abs=5e-5)
    assert points["voip.asr"].value == (calls["Session-Disposition"] == "answered").mean()
    statuses = [410, 480, 486, 487, 600, 603, 607]
    assert points["voip.ner"].value == _ner(calls, [*USER, 1, 28], [*statuses, 404, 484, 485, 604])
    assert points["voip.ner"].value == pytest.approx(0.9757, abs=5e-5)
    assert points["voip.packet_loss"].state == "not_measurable"
    assert points["voip.packet_loss"].value is None

    rollup(Store.connect(sparse_settings.with_values(kpi_ner_user_numbers=False)), now=NOW)
    ner = stored(store, 86400)["voip.ner", "service:voip", day].value
    assert ner == _ner(calls, USER, statuses)
    assert ner == pytest.approx(0.8786, abs=5e-5)


def test_quality_and_delay_of_the_public_series_equal_pandas(store: Store, real_cdrs: Path) -> None:
    folder = real_cdrs / "voip"
    ingest(store, [folder])
    rollup(store, now=NOW)
    points = stored(store, 86400)
    frames = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
    calls = pd.concat(frames)
    calls = calls[calls["Date"].notna() & calls["Time"].notna()].copy()
    calls["day"] = pd.to_datetime(calls["Date"], utc=True)

    assert _attempts(points, "service:voip") == len(calls)
    busiest = calls.groupby("day").size().nlargest(8).index
    for moment in busiest:
        of_day = calls[calls["day"] == moment]
        _assert_day(points, of_day, int(moment.timestamp()) * 1000)
    trunks = calls.groupby("Terminating-Trunk-Group").size()
    for name, number in trunks.items():
        assert _attempts(points, f"trunk_group:{name}") == number


def _attempts(points: dict[Place, Point], entity: str) -> float:
    return sum(point.value or 0 for place, point in points.items() if place[:2] == ("voip.attempts", entity))


def _assert_day(points: dict[Place, Point], calls: pd.DataFrame, day: int) -> None:
    answered = calls[calls["Session-Disposition"] == "answered"]
    jitter = np.concatenate([answered[f"{side}-RTP-Avg-Jitter"].dropna() for side in ("Calling", "Called")])
    within = points["voip.jitter_within_target", "service:voip", day]
    assert (within.numerator, within.denominator) == ((jitter <= 30).sum(), len(jitter))
    mos = np.concatenate([answered[f"{side}-MOS"].dropna() for side in ("Calling", "Called")]) / 100
    point = points["voip.mos", "service:voip", day]
    assert point.denominator == (mos >= 1).sum()
    assert point.value == pytest.approx(mos[mos >= 1].mean(), rel=1e-9)
    delays = np.sort(calls["PostDialDelay"][calls["PostDialDelay"] > 0])
    exact = delays[int(np.ceil(0.95 * len(delays))) - 1]
    point = points["voip.pdd_p95", "service:voip", day]
    assert point.samples == len(delays)
    assert exact <= point.value * (1 + 1e-9) <= exact * 1.0196
