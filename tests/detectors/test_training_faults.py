"""Training and judging on what no history, broken points, another time zone or a lost node leave: words, never guesses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import StoreUnavailable
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from detectors import baseline_hours, detect, train
from detectors.reading import load_baselines, other_zone, trained
from detectors.records import nested
from infrastructure.store import Operation, Store
from tests.detectors.simulator import KPIS, START

NER, ATTEMPTS = KPIS["voip.ner"], KPIS["voip.attempts"]
SERVICE, TRUNK = Entity("service", "voip"), Entity("trunk_group", "TG2")
DAYS = 15
UNTIL = START + timedelta(days=DAYS)


def write(
    store: Store, values: Any, days: int = DAYS, *, state: str = "ok", entities: tuple[Entity, ...] = (SERVICE, TRUNK)
) -> None:
    """Hourly points of NER (of 100 calls each) and of attempts from START on; `values`: hour → NER."""
    store.write_all(_points(store, values, days, state, entities))
    store.refresh(KPI_INDEX[3600])


def _points(
    store: Store, values: Any, days: int, state: str, entities: tuple[Entity, ...], step: int = 3600
) -> Iterator[Operation]:
    for hour in range(0, 24 * days, step // 3600):
        moment = START + timedelta(hours=hour)
        for entity in entities:
            for kpi, value, parts in ((NER, values(hour), 100.0), (ATTEMPTS, 100.0, None)):
                known = state != "no_data"
                document = {
                    "@timestamp": iso(moment), "event.ingested": iso(store.clock()), "service.name": "voip",
                    "entity.type": entity.type, "entity.id": entity.id, "kpi.id": kpi.id, "kpi.version": 1,
                    "kpi.value": float(value) if known else None,
                    "kpi.numerator": float(value) * (parts or 1.0) if known else None,
                    "kpi.denominator": parts if known else None, "kpi.samples": 100 if known else 0,
                    "kpi.state": state, "kpi.resolution.sec": step, "kpi.origin": "cdr",
                }  # fmt: skip
                key = joined((kpi.id, entity, iso(moment)))
                yield Operation("index", store.place(KPI_INDEX[step], moment), key, nested(document))


def usual(hour: int) -> float:
    return 0.98 + 0.005 * np.sin(hour)


def judged(store: Store, days: int = DAYS, now: datetime | None = None) -> Any:
    return detect(store, since=START, until=START + timedelta(days=days), now=now or UNTIL, kpis=[NER, ATTEMPTS])


def learned(store: Store, until: datetime = UNTIL) -> Any:
    return train(store, until=until, kpis=[NER, ATTEMPTS])


def counts(store: Store) -> tuple[int, int]:
    store.refresh("anomaly", "incident")
    return store.count("anomaly"), store.count("incident")


def test_without_any_history_nothing_is_judged_and_the_words_say_what_to_do(store: Store) -> None:
    report = learned(store)
    assert (report.series, report.documents, report.insufficient) == (0, 0, ())
    assert "no KPI point before 2026-10-20" in report.advice
    assert "busyhour rollup" in report.advice
    found = judged(store)
    assert (found.series, found.buckets, counts(store)) == (0, 0, (0, 0))


def test_a_day_of_history_is_insufficient_and_judged_by_targets_alone(store: Store) -> None:
    write(store, usual, days=1)
    report = learned(store, START + timedelta(days=1))
    assert report.series == 0
    assert "voip.ner of service:voip" in report.insufficient
    assert "too little history" in report.advice
    found = judged(store, 1)
    assert (found.series, counts(store)) == (0, (0, 0))
    assert baseline_hours(store, "voip.ner", SERVICE) == []


def test_a_constant_series_has_a_baseline_stays_quiet_and_its_fall_is_found(store: Store) -> None:
    fallen = (DAYS - 1) * 24
    write(store, lambda hour: 1.0 if hour < fallen else 0.5)
    report = learned(store, START + timedelta(days=DAYS - 1))
    assert report.insufficient == ()
    assert report.advice == ""
    assert judged(store, DAYS - 1).anomalies.new == 0
    assert judged(store).incidents.new == 1


def test_a_series_of_absent_values_only_is_insufficient(store: Store) -> None:
    write(store, usual, state="no_data")
    store.write_all(_points(store, usual, DAYS, "no_data", (SERVICE, TRUNK), step=86400))
    store.refresh(KPI_INDEX[86400])
    report = learned(store)
    assert report.series == 0
    assert {"voip.ner of service:voip", "voip.attempts of service:voip"} <= set(report.insufficient)
    found = judged(store)
    assert found.buckets == 0
    assert counts(store) == (0, 0)


def test_values_as_large_as_a_number_can_be_break_nothing(store: Store) -> None:
    write(store, lambda hour: 1.7e306 if hour % 40 == 7 else usual(hour))
    report = learned(store)
    assert report.series + len(report.insufficient) == 4
    hours = baseline_hours(store, "voip.ner", TRUNK)
    assert all(np.isfinite(hour["expected"]) and 0 <= hour["expected"] <= 1 for hour in hours)
    judged(store)


def test_a_clock_gone_back_loses_no_point_that_was_rolled_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, usual)
    learned(store, START + timedelta(days=10))
    detect(store, since=START + timedelta(days=10), until=UNTIL, now=UNTIL, kpis=[NER, ATTEMPTS])
    assert counts(store)[1] == 0
    real = store.clock
    monkeypatch.setattr(store, "clock", lambda: real() - timedelta(hours=3))
    outage = 11 * 24 + 9  # four days before the last judged bucket: beyond what is judged again anyway
    write(store, lambda hour: 0.2 if outage <= hour < outage + 4 else usual(hour))
    report = detect(store, until=UNTIL, now=UNTIL, kpis=[NER, ATTEMPTS])
    assert report.since <= START + timedelta(hours=outage)
    assert report.incidents.new == 1


def test_baselines_of_another_time_zone_are_told_and_not_used(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, lambda hour: usual(hour) if hour < 340 else 0.2)
    learned(store, START + timedelta(days=14))
    moved = store.settings.with_values(network_timezone="Pacific/Auckland")
    monkeypatch.setattr(store, "settings", moved)
    report = judged(store)
    assert report.other_zone == "UTC" == other_zone(store)
    assert report.series == 0
    assert baseline_hours(store, "voip.ner", SERVICE) == []
    assert {row["detector"] for row in _anomalies(store)} <= {"threshold"}
    learned(store, START + timedelta(days=14))
    again = judged(store)
    assert (again.other_zone, other_zone(store)) == ("", "")
    assert again.series == 4


def _anomalies(store: Store) -> list[dict[str, Any]]:
    store.refresh("anomaly")
    return [hit["_source"]["anomaly"] for hit in store.scan("anomaly")]


def _baselines(store: Store) -> list[tuple[str, int, list[str]]]:
    found = load_baselines(store, {NER.id: NER, ATTEMPTS.id: ATTEMPTS})
    return [(one.kpi.id, one.step_sec, [f"{value:.8g}" for value in one.centre.ravel()]) for one in found]


@pytest.mark.parametrize("cut", ["read", "count", "write", "flip"])
def test_training_that_loses_elasticsearch_leaves_the_old_baselines_and_is_completed_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    write(store, usual)
    learned(store, START + timedelta(days=10))
    before, in_use = trained(store), _baselines(store)
    ask, seen = type(store.exchange).ask, {"n": 0}
    where = {"read": "/_query", "count": "/_query", "write": "/_bulk", "flip": "/job"}[cut]
    after = {"count": 2}.get(cut, 1)
    write(store, lambda hour: usual(hour) - 0.02)

    def sometimes(self: Any, method: str, path: str, *more: Any, **named: Any) -> Any:
        if where in path and (cut != "flip" or method in ("PUT", "POST")):
            seen["n"] += 1
            if seen["n"] >= after:
                raise StoreUnavailable("away for the test")
        return ask(self, method, path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(type(store.exchange), "ask", sometimes)
        with pytest.raises(StoreUnavailable):
            learned(store)
    assert seen["n"] >= after
    assert trained(store) == before
    assert _baselines(store) == in_use
    report = learned(store)
    after_all = trained(store)
    assert after_all is not None
    assert after_all.until == UNTIL
    assert report.documents == 4 * 168
    assert _baselines(store) != in_use
    assert learned(store).documents == 0


TRAINING = """
import sys
from datetime import datetime
from contracts.settings import read
from detectors import train
from infrastructure.store import Store
from tests.detectors.simulator import KPIS
store = Store.connect(read({"BUSYHOUR_HOME": sys.argv[1]}))
write = store.write_all
def slowly(operations):
    rows = list(operations)
    write(rows[: len(rows) // 2])
    print("half", flush=True)
    sys.stdin.read()
store.write_all = slowly
train(store, until=datetime.fromisoformat(sys.argv[2]), kpis=[KPIS["voip.ner"], KPIS["voip.attempts"]])
"""


def test_training_killed_half_way_through_its_writing_is_completed_by_the_next(store: Store) -> None:
    write(store, usual)
    learned(store, START + timedelta(days=10))
    before, in_use = trained(store), _baselines(store)
    write(store, lambda hour: usual(hour) - 0.02)
    arguments = [sys.executable, "-c", TRAINING, store.settings.text("home"), UNTIL.isoformat()]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    assert trained(store) == before
    assert _baselines(store) == in_use
    assert learned(store).documents == 4 * 168
    assert _baselines(store) != in_use
