"""Train and detect on a real store: idempotent, ids stay, late data revises and withdraws, states are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from contracts.clock import from_epoch_ms, iso
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from detectors import Labelled, detect, drill_down, evaluate_truth, mark, service_states, train
from detectors.adapter import judged_kpis
from detectors.panel import from_frame, merged
from detectors.pipeline import unknown_entities
from detectors.reading import load_baselines, trained
from detectors.records import nested
from infrastructure.store import Operation, Store
from kpis.catalogue import load
from tests.detectors.simulator import KPIS, START, Incident, Network, at

if TYPE_CHECKING:
    from detectors.detection import DetectReport

CHOSEN = ("voip.attempts", "voip.ner")
OUTAGE = Incident("trunk_outage", "voip", "trunk_group:TG2", at(22, 10), at(22, 13), 0.7)
SILENCE = Incident("silent_feed", "voip", "service:voip", at(23, 10), at(23, 12), 1.0)
SINCE, UNTIL = at(21, 0), at(24, 0)


@pytest.fixture(scope="module")
def points() -> pd.DataFrame:
    frame = Network(31, days=25, scale=0.6, incidents=(OUTAGE, SILENCE)).frame()
    return frame[frame["kpi"].isin(CHOSEN)]


def _documents(store: Store, frame: pd.DataFrame, step: int, since: datetime, until: datetime) -> Iterator[Operation]:
    """What the roll-up writes, from a simulated frame."""
    low, high = (int(moment.timestamp() * 1000) for moment in (since, until))
    for kpi in frame["kpi"].unique():
        panel = from_frame(frame, KPIS[kpi], 300, low, high)
        panel = panel if step == 300 else merged(panel, step, _utc())
        for row, series in enumerate(panel.series):
            if step == 300 and series.entity.type != "service":  # the others are too thin for it
                continue
            for column, start in enumerate(panel.starts):
                moment = from_epoch_ms(int(start))
                silent = bool(panel.silent[row, column])
                numbers = {
                    f"kpi.{name}": None if silent or array[row, column] != array[row, column] else float(array[row, column])
                    for name, array in (
                        ("value", panel.value), ("numerator", panel.numerator), ("denominator", panel.denominator),
                    )
                }  # fmt: skip
                samples = panel.samples[row, column]
                document = nested(
                    {
                        "@timestamp": iso(moment), "event.ingested": iso(store.clock()), "service.name": series.service,
                        "entity.type": series.entity.type, "entity.id": series.entity.id, "kpi.id": kpi, "kpi.version": 1,
                        **numbers, "kpi.samples": int(samples) if samples == samples else 0,
                        "kpi.state": "no_data" if silent else "ok", "kpi.resolution.sec": step, "kpi.origin": "cdr",
                    }
                )  # fmt: skip
                name = KPI_INDEX[step]
                yield Operation("index", store.place(name, moment), joined((kpi, series.entity, iso(moment))), document)


def _utc() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("UTC")


def _write(store: Store, frame: pd.DataFrame, since: datetime, until: datetime) -> None:
    for step in (300, 3600):
        store.write_all(_documents(store, frame, step, since, until))
    store.refresh(*KPI_INDEX.values())


def _kept(store: Store, name: str) -> dict[str, tuple[int, dict[str, Any]]]:
    store.refresh(name)
    ids = [hit["_id"] for hit in store.scan(name)]
    return {key: (one.seq_no, one.source) for key, one in store.get_many(name, ids).items()}


def _everything(store: Store) -> dict[str, Any]:
    return {name: _kept(store, name) for name in ("baseline", "anomaly", "incident", "service-state")}


def _incidents(store: Store) -> list[dict[str, Any]]:
    rows = [source for _, source in _kept(store, "incident").values()]
    return sorted(rows, key=lambda row: row["event"]["start"])


@pytest.fixture
def filled(store: Store, points: pd.DataFrame) -> Store:
    _write(store, points, START, UNTIL)
    return store


def test_train_and_detect_find_incidents_and_change_nothing_when_run_again(filled: Store, tmp_path: Path) -> None:
    report = train(filled, until=SINCE)
    assert report.by_resolution[300] >= 1
    assert report.by_resolution[3600] >= 6
    assert report.insufficient == ()
    assert report.documents == report.series * 168
    first = detect(filled, since=SINCE, until=UNTIL)
    assert (first.incidents.new, first.incidents.revised, first.incidents.withdrawn) == (2, 0, 0), _incidents(filled)
    outage, silence = _incidents(filled)
    assert outage["incident"]["entities"][0] == "trunk_group:TG2"
    assert outage["incident"]["status"] == "closed"
    assert "NER of trunk group TG2 is 0." in outage["incident"]["reason"]
    assert "is normal for Tue 1" in outage["incident"]["reason"]
    assert silence["incident"]["entities"] == ["service:voip"]
    assert "No data of service voip since Wed 28 Oct 10:00" in silence["incident"]["reason"]

    before = _everything(filled)
    again = train(filled, until=SINCE)
    assert again.documents == 0
    for since in (SINCE, None):
        repeated = detect(filled, since=since, until=UNTIL)
        assert _nothing(repeated), [
            (before["anomaly"].get(key), now)
            for key, now in _kept(filled, "anomaly").items()
            if before["anomaly"].get(key) != now
        ]
    assert _everything(filled) == before

    truth = tmp_path / "truth.ndjson"
    truth.write_text("\n".join(json.dumps(one.truth()) for one in (OUTAGE, SILENCE)), encoding="utf-8")
    evaluation = evaluate_truth(filled, truth, since=SINCE, until=UNTIL)
    assert (evaluation.precision, evaluation.recall) == (1.0, 1.0)

    states = [source for _, source in _kept(filled, "service-state").values()]
    during = [one["state"] for one in states if iso(at(22, 12)) <= one["@timestamp"] < iso(at(22, 13))]
    assert all(one["value"] < 90 and one["contributions"] for one in during)
    assert [one["state"]["word"] for one in states if one["@timestamp"] == iso(at(23, 11))] == ["unknown"]
    latest = {row["service"]: row for row in service_states(filled)}
    assert latest["voip"]["value"] > 99
    assert latest["voip"]["word"] == "good"


def _nothing(report: DetectReport) -> bool:
    return report.states == 0 and all(
        (part.new, part.revised, part.withdrawn) == (0, 0, 0) for part in (report.anomalies, report.incidents)
    )


def test_detect_keeps_ids_when_an_incident_goes_on_and_ends(store: Store, points: pd.DataFrame) -> None:
    _write(store, points, START, at(22, 11.5))
    train(store, until=SINCE)
    detect(store, since=SINCE, until=at(22, 11.5))
    opened = _incidents(store)
    assert [one["incident"]["status"] for one in opened] == ["open"]
    assert "end" not in opened[0]["event"]
    before = at(22, 11.5)
    for until in (at(22, 11.75), at(22, 13), at(22, 18)):
        _write(store, points, at(22, int((before - at(22, 0)).total_seconds() // 3600)), until)
        detect(store, until=until)
        before = until
    closed = _incidents(store)
    assert [one["incident"]["id"] for one in closed] == [opened[0]["incident"]["id"]]
    assert closed[0]["incident"]["status"] == "closed"
    assert closed[0]["event"]["start"] <= opened[0]["event"]["start"]
    assert closed[0]["incident"]["detected"] == opened[0]["incident"]["detected"]
    whole = {source["state"]["value"] for _, source in _kept(store, "service-state").values()}
    detect(store, since=SINCE, until=at(22, 18))
    assert {source["state"]["value"] for _, source in _kept(store, "service-state").values()} == whole


def test_detect_withdraws_when_late_data_fill_the_gap(filled: Store, points: pd.DataFrame) -> None:
    train(filled, until=SINCE)
    detect(filled, since=SINCE, until=UNTIL)
    ids = {one["incident"]["id"] for one in _incidents(filled)}
    late = Network(31, days=25, scale=0.6).frame()
    _write(filled, late[late["kpi"].isin(CHOSEN)], SINCE, UNTIL)
    report = detect(filled, until=UNTIL)
    assert report.since <= SINCE + timedelta(hours=1)
    assert report.incidents.withdrawn == 2
    after = _incidents(filled)
    assert {one["incident"]["id"] for one in after} == ids
    assert {one["incident"]["status"] for one in after} == {"withdrawn"}
    assert all(one["incident"]["reason"].endswith("part of another incident") for one in after)
    assert _nothing(detect(filled, until=UNTIL))


def test_detect_withdraws_what_was_marked_false_and_nothing_else(filled: Store) -> None:
    train(filled, until=SINCE)
    detect(filled, since=SINCE, until=UNTIL)
    outage, silence = (one["incident"]["id"] for one in _incidents(filled))
    for hit in list(filled.scan("anomaly", {"term": {"incident.id": outage}})):
        mark(filled, hit["_source"], "false", by="anna", why="a test of the group")
    report = detect(filled, since=SINCE, until=UNTIL)
    assert report.suppressed >= 1
    status = {one["incident"]["id"]: one["incident"]["status"] for one in _incidents(filled)}
    assert status == {outage: "withdrawn", silence: "closed"}
    assert _nothing(detect(filled, since=SINCE, until=UNTIL))


def test_an_anomaly_is_explained_by_its_parts_its_records_and_what_was_like_it(filled: Store) -> None:
    train(filled, until=SINCE)
    detect(filled, since=SINCE, until=UNTIL)
    anomalies = [source for _, source in _kept(filled, "anomaly").values()]
    one = next(row for row in anomalies if row["kpi"]["id"] == "voip.ner" and row["entity"]["id"] == "voip")
    calls = [
        Operation(
            "create",
            filled.place("cdr-voip", at(22, 11) - back),
            f"{name}-{number}-{back.days}",
            {
                "@timestamp": iso(at(22, 11) - back),
                "event": {"ingested": iso(filled.clock())},
                "voip": {"release": {"name": name}},
            },
        )
        for name, now, before in (("No circuit/channel available", 6, 0), ("Normal call clearing", 4, 10))
        for back, count in ((timedelta(0), now), (timedelta(days=7), before))
        for number in range(count)
    ]
    filled.write_all(calls)
    filled.refresh("cdr-voip")
    found = drill_down(filled, one)
    assert found.parts[0].entity == "trunk_group:TG2"
    assert found.parts[0].surprise > 10
    assert (found.values[0].value, found.values[0].now, found.values[0].before) == (
        "No circuit/channel available",
        6,
        0,
    )
    assert one["anomaly"]["id"] not in {row["id"] for row in found.similar}


def test_baselines_survive_the_store_when_read_back(filled: Store) -> None:
    train(filled, until=SINCE)
    kpis = {kpi.id: kpi for kpi in judged_kpis(load(filled.settings))}
    loaded = load_baselines(filled, kpis)
    assert {(one.kpi.id, one.step_sec) for one in loaded} >= {("voip.ner", 300), ("voip.ner", 3600)}
    first = trained(filled)
    train(filled, until=at(23, 0))
    second = trained(filled)
    assert first is not None
    assert second is not None
    assert {first.set_name, second.set_name} == {"a", "b"}
    assert filled.count("baseline") == 2 * sum(168 * len(one.series) for one in loaded)


def test_detect_judges_nothing_when_nothing_was_trained_and_no_target_is_missed(store: Store) -> None:
    report = detect(store, until=datetime(2026, 10, 20, tzinfo=UTC))
    assert (report.series, report.states, report.incidents.new) == (0, 0, 0)
    assert service_states(store) == []


def test_entities_of_a_truth_that_no_point_knows_are_named_with_the_nearest(filled: Store) -> None:
    start = START
    truth = [
        Labelled(
            "a", "trunk_outage", "voip", ("trunk_group:TG1", "trunk_group:TG22"), start, start + timedelta(hours=1)
        ),
        Labelled("b", "silent_feed", "voip", ("feed:voip", "moon:1"), start, start + timedelta(hours=1)),
    ]
    assert unknown_entities(filled, truth) == {"moon:1": "", "trunk_group:TG22": "trunk_group:TG2"}
