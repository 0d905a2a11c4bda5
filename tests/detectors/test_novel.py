"""New and rare values of record fields: told when many come of what hardly ever came, quiet about the usual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.clock import epoch_ms, iso
from contracts.entities import Entity
from detectors.judging import find, train_all
from detectors.mix import load_mix, mix_kpis
from detectors.panel import Panel
from detectors.pipeline import detect, train
from detectors.scorers import novel
from detectors.subject import Series
from infrastructure.store import Store
from kpis.pipeline import rollup
from tests.kpis.random_records import put

UTC_ZONE = ZoneInfo("UTC")
CAUSE = mix_kpis()[0]
MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
HOURS = 21 * 24


def _panel(counts: dict[str, Any], start: datetime) -> Panel:
    values = np.array(list(counts.values()), dtype=float)
    starts = epoch_ms(start) + 3_600_000 * np.arange(values.shape[1], dtype=np.int64)
    series = tuple(Series(CAUSE.id, "voip", Entity("release_cause", name)) for name in counts)
    nothing = np.full(values.shape, np.nan)
    quiet = np.zeros(values.shape, dtype=bool)
    return Panel(CAUSE, 3600, series, starts, values, values, nothing, values, np.ones(values.shape), quiet)


def _load(before: Panel, after: Panel) -> Any:
    def load(_kpi: Any, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        whole = before if since < after.starts[0] else after
        chosen = [row for row, one in enumerate(whole.series) if entities is None or one.entity in entities]
        return whole.rows(chosen).between(since, until) if step == 3600 else whole.rows([]).between(since, until)

    return load


def _found(rare: list[int], usual: float = 0.0) -> list[tuple[str, str]]:
    rng = np.random.default_rng(3)
    before = {"normal": rng.poisson(300, HOURS), "no_circuit": rng.poisson(usual, HOURS)}
    after = {"normal": rng.poisson(300, len(rare)), "no_circuit": rare}
    start = MONDAY + timedelta(hours=HOURS)
    load = _load(_panel(before, MONDAY), _panel(after, start))
    trained = train_all([CAUSE], load, epoch_ms(MONDAY), epoch_ms(start), UTC_ZONE)
    end = epoch_ms(start) + len(rare) * 3_600_000
    return [
        (one.series.entity.id, one.reason)
        for one in find([CAUSE], trained, load, epoch_ms(start), end, UTC_ZONE).anomalies
    ]


def test_a_cause_that_never_came_is_told_when_many_calls_have_it() -> None:
    ((value, reason),) = _found([0, 0, 24, 30, 0, 0])
    assert value == "no_circuit"
    assert (
        reason
        == "release cause no_circuit: 30 calls in an hour since Mon 26 Oct 02:00, where there are hardly ever any"
    )


@pytest.mark.parametrize("rare", [[0] * 6, [0, 0, 3, 0, 0, 0], [9, 0, 0, 9, 0, 0]])
def test_a_few_records_of_a_new_cause_are_nobodys_trouble(rare: list[int]) -> None:
    assert _found(rare) == []


def test_a_cause_that_comes_every_hour_is_judged_by_its_hours() -> None:
    assert _found([20, 21, 19, 18, 22, 20], usual=20.0) == []
    ((value, reason),) = _found([20, 21, 60, 58, 22, 20], usual=20.0)
    assert value == "no_circuit"
    assert "normal" in reason  # by its band, not as something new


def test_scores_of_rare_values_are_as_rare_as_they_state() -> None:
    rng = np.random.default_rng(11)
    rate = np.full(400, 0.3)
    lots = rng.gamma(0.5, rate[:, None] / 0.5, (400, 2000))  # as clumped as the scorer takes them to be
    panel = _panel({f"v{row}": counts for row, counts in enumerate(rng.poisson(lots))}, MONDAY)
    every = novel.score(panel, rate).score
    assert np.mean(every >= 75) <= 3e-5


def test_a_new_value_in_the_store_becomes_an_anomaly(store: Store) -> None:
    documents = []
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=9)
    rng = np.random.default_rng(5)
    for hour in range(9 * 24):
        names = ["normal_call_clearing"] * 30 + (["facility_rejected"] * 25 if hour == 8 * 24 + 5 else [])
        for name in names:
            end = start + timedelta(hours=hour, seconds=float(rng.random() * 3590))
            times = {"end": iso(end), "start": iso(end - timedelta(seconds=60)), "ingested": iso(end)}
            call = {"disposition": "answered", "release": {"name": name}, "trunk_group": {"terminating": "TG1"}}
            documents.append({"@timestamp": iso(end), "event": times, "service": {"name": "voip"}, "voip": call})
    put(store, "voip", documents)
    store.refresh("cdr-voip")
    end, judged = start + timedelta(days=9), start + timedelta(days=8)
    panel = load_mix(store, CAUSE, 3600, epoch_ms(start), epoch_ms(end), UTC_ZONE)
    assert {one.entity.id: int(panel.value[row].sum()) for row, one in enumerate(panel.series)} == {
        "normal_call_clearing": 30 * 216,
        "facility_rejected": 25,
    }
    rollup(store, until=end, now=end)
    train(store, until=judged)
    detect(store, since=judged, until=end, now=end)
    hits = [hit["_source"] for hit in store.scan("anomaly", {"term": {"kpi.id": CAUSE.id}})]
    assert [one["entity"] for one in hits] == [{"type": "release_cause", "id": "facility_rejected"}]
    assert "25 calls in an hour" in hits[0]["anomaly"]["reason"]
