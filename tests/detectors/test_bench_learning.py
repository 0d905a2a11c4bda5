"""`bench train`: every point is learned from, and a second training reads only what came since."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.indices import KPI_INDEX
from detectors.bench.learning import _made, bench_train
from infrastructure.store import Store
from tests.detectors.simulator import KPIS


def test_hours_hold_the_sums_of_their_five_minutes(tmp_path: Path) -> None:
    fine, hours = _made(tmp_path, 6, 1, 3)
    assert len(fine) > 11 * len(hours)
    for part in ("numerator", "denominator"):
        assert hours[part].sum() == pytest.approx(fine[part].sum(), rel=1e-6)
    assert (hours["bucket"] % 3_600_000 == 0).all()
    assert fine["denominator"].isna().any()  # a count has none


def test_second_training_reads_one_day_and_the_rates_stand_beside_each_other(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "settings", store.settings.with_values(home=str(tmp_path)))
    found = bench_train(store, list(KPIS.values()), series=3, weeks=2, seed=1, say=lambda _: None)
    assert found["series"] == 3
    assert found["points"] == found["points_read"]
    stored = sum(store.count(name) for name in KPI_INDEX.values())
    assert found["points_written"] == stored
    assert 0.99 * stored < found["again_points"] <= stored
    assert 0 < found["again_points_read"] < 0.2 * stored
    assert min(found["node_read_points_per_s"], found["train_read_points_per_s"], found["train_points_per_s"]) > 0
