"""What explains an anomaly: the part where most was lost, the value that became common."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.clock import iso
from contracts.entities import Entity
from detectors.drilldown import moved, parts_of, window_of
from detectors.evidence import Evidence
from detectors.judging import judged_panels, train_all
from detectors.panel import Panel, from_frame, merged
from detectors.subject import Kpi
from tests.detectors.simulator import KPIS, START, Incident, Network, at

LOW, DAY = int(START.timestamp() * 1000), 86_400_000
ZONE = ZoneInfo("UTC")
OUTAGE = Incident("trunk_outage", "voip", "trunk_group:TG2", at(21, 10), at(21, 13), 0.7)


def test_the_part_where_the_cause_is_explains_most() -> None:
    frame = Network(51, days=22, incidents=(OUTAGE,)).frame()

    def load(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        panel = merged(from_frame(frame, kpi, 300, since, until), step, ZONE)
        return (
            panel
            if entities is None
            else panel.rows([row for row, one in enumerate(panel.series) if one.entity in entities])
        )

    kpi = KPIS["voip.ner"]
    baselines = train_all([kpi], load, LOW, LOW + 21 * DAY, ZONE)
    anomaly = {
        "service": {"name": "voip"}, "kpi": {"id": "voip.ner"}, "entity": {"type": "service", "id": "voip"},
        "event": {"start": iso(OUTAGE.start)}, "anomaly": {"last": iso(OUTAGE.end)},
    }  # fmt: skip
    parts = parts_of(anomaly, kpi, baselines, load, window_of(anomaly))
    assert parts[0].entity == "trunk_group:TG2"
    assert parts[0].share == pytest.approx(1.0, abs=0.15)
    assert parts[0].effect == pytest.approx(0.7, abs=0.1)
    assert parts[0].surprise > 20
    start, end = (int(moment.timestamp() * 1000) for moment in (OUTAGE.start, OUTAGE.end))
    suspects = Evidence(judged_panels(kpi, baselines, load, start, end)).suspects("voip", start, end)
    assert {str(one.entity) for one in suspects[:3]} >= {"trunk_group:TG2"}
    assert all(not one.high for one in suspects)


def test_the_value_that_became_common_is_the_most_surprising() -> None:
    now, before = {"no circuit": 60, "normal": 100, "busy": 20}, {"normal": 140, "busy": 28}
    found = {one.value: one for one in moved("voip.release.name", now, before)}
    assert max(found.values(), key=lambda one: one.surprise).value == "no circuit"
    assert found["no circuit"].now == 60
    assert found["no circuit"].before == 0


def test_the_same_mix_says_nothing_however_much_there_is_of_it() -> None:
    assert moved("voip.codec", {"PCMA": 300, "G729": 100}, {"PCMA": 30, "G729": 10}) == []
    assert moved("voip.codec", {}, {"PCMA": 30}) == []


def test_surprise_is_at_most_a_bit_and_whole_when_mixes_are_disjoint() -> None:
    found = moved("voip.codec", {"PCMA": 10}, {"G729": 10})
    assert sum(one.surprise for one in found) == pytest.approx(1.0)


def test_an_anomaly_is_looked_at_from_its_start_to_its_last_bucket() -> None:
    document = {"event": {"start": iso(at(1, 1))}, "anomaly": {"last": iso(at(1, 3))}}
    begin, end = window_of(document)
    assert end - begin == timedelta(hours=2)
