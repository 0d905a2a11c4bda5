"""Every kind of incident is found in a week of a noisy network, and quiet weeks stay quiet. Seeds were not used for tuning."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from contracts.clock import from_epoch_ms
from contracts.entities import Entity
from detectors.evaluation import Evaluation, Found, evaluate, labelled
from detectors.findings import Incident
from detectors.judging import Judgement, find, train_all
from detectors.panel import Panel, from_frame, merged
from detectors.subject import Kpi
from tests.detectors.simulator import KPIS, START, Network, at, library
from tests.detectors.simulator import Incident as Planned

ZONE = ZoneInfo("UTC")
LOW = int(START.timestamp() * 1000)
TRAINED, END = LOW + 21 * 86_400_000, LOW + 28 * 86_400_000


def judged(frame: pd.DataFrame) -> Judgement:
    def load(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        return merged(from_frame(frame, kpi, 300, since, until), step, ZONE)

    baselines = train_all(KPIS.values(), load, LOW, TRAINED, ZONE)
    return find(KPIS.values(), baselines, load, TRAINED, END, ZONE)


def compared(planned: tuple[Planned, ...], found: list[Incident]) -> Evaluation:
    ours = [
        Found(
            one.id, one.services, tuple(str(entity) for entity in one.entities), from_epoch_ms(one.start),
            from_epoch_ms(one.end), from_epoch_ms(one.detected), one.title,
        )
        for one in found
    ]  # fmt: skip
    truth = [labelled(json.dumps(one.truth()), "truth") for one in planned]
    return evaluate(truth, ours, since=from_epoch_ms(TRAINED), until=from_epoch_ms(END))


@pytest.mark.parametrize("seed", [11, 12])
def test_every_incident_is_found_and_named_when_a_week_holds_all_kinds(seed: int) -> None:
    planned = library(seed)
    result = judged(Network(seed, days=28, incidents=planned).frame())
    evaluation = compared(planned, result.incidents)
    assert evaluation.recall == 1.0, evaluation.matches
    assert len(evaluation.false_alarms) <= 1
    assert evaluation.median_delay_s is not None
    assert evaluation.median_delay_s <= 3600
    by_id = {one.id: one for one in result.incidents}
    for match, one in zip(evaluation.matches, planned, strict=True):
        assert str(by_id[match.found].entities[0]) == one.entity, match


def test_quiet_week_raises_hardly_any_alarm() -> None:
    result = judged(Network(13, days=28).frame())
    assert len(result.incidents) <= 1


def test_unrelated_incidents_stay_apart_when_they_share_a_service_and_a_time() -> None:
    planned = (
        Planned("jitter_storm", "voip", "sbc:fra-sbc", at(23, 10), at(23, 13), 0.4),
        Planned("trunk_outage", "voip", "trunk_group:TG2", at(23, 10.5), at(23, 13), 0.7),
    )
    result = judged(Network(14, days=28, incidents=planned).frame())
    evaluation = compared(planned, result.incidents)
    assert evaluation.recall == 1.0, evaluation.matches
    assert len(evaluation.false_alarms) == 0
    assert {str(one.entities[0]) for one in result.incidents} == {"sbc:fra-sbc", "trunk_group:TG2"}
