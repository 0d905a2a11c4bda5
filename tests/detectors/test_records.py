"""Documents: what is stored says the same when read back, and revisions keep what they must."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.entities import Entity
from contracts.indices import BY_NAME
from detectors.learning import learn
from detectors.panel import from_frame, merged
from detectors.records import (
    anomaly_document,
    baseline_documents,
    baselines_from,
    closed,
    contributions_of,
    digest_of,
    known_from,
    read,
    same,
    state_document,
    with_earlier_peak,
    withdrawn,
)
from detectors.scorers import by_model
from detectors.state import State
from detectors.subject import Series
from tests.detectors.findings import anomaly
from tests.detectors.simulator import KPIS, START, Network

ZONE = ZoneInfo("UTC")
LOW = int(START.timestamp() * 1000)
SERIES = Series("voip.ner", "voip", Entity("trunk_group", "TG2"))


@pytest.mark.parametrize("kpi", ["voip.attempts", "voip.ner", "voip.mos", "voip.carried_erlang"])
def test_baselines_score_the_same_when_read_back(kpi: str) -> None:
    panel = merged(from_frame(Network(51, days=15).frame(), KPIS[kpi], 300, LOW, LOW + 15 * 86_400_000), 3600, ZONE)
    baseline = learn(panel, ZONE)
    documents = [document for _, document in baseline_documents(baseline, "a", "2026-10-20T00:00:00.000Z")]
    ids = [key for key, _ in baseline_documents(baseline, "a", "2026-10-20T00:00:00.000Z")]
    assert len(set(ids)) == len(ids) == 168 * len(panel.series)
    (loaded,) = baselines_from(documents, KPIS)
    again = by_model(panel, loaded.aligned(panel.series)).score
    np.testing.assert_allclose(again, by_model(panel, baseline).score, atol=1e-3)
    assert digest_of([learn(panel, ZONE)]) == digest_of([baseline])
    assert digest_of([baseline.rows([0])]) != digest_of([baseline])


def test_baselines_of_another_version_of_the_definition_are_left_out() -> None:
    panel = merged(
        from_frame(Network(51, days=8).frame(), KPIS["voip.ner"], 300, LOW, LOW + 8 * 86_400_000), 3600, ZONE
    )
    documents = [document for _, document in baseline_documents(learn(panel, ZONE), "a", "")]
    for document in documents:
        document["kpi"]["version"] = 99
    assert baselines_from(documents, KPIS) == []


def test_documents_hold_declared_fields_only() -> None:
    declared = {field.name for field in BY_NAME["anomaly"].fields}
    document = anomaly_document(anomaly(SERIES, LOW, [95.0, 99.0], actual=float("nan")), "i1")
    assert set(_flat(document)) <= declared
    assert "anomaly.actual" not in _flat(document)


def _flat(document: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in document.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_an_anomaly_is_known_again_from_its_document() -> None:
    one = anomaly(SERIES, LOW, [95.0, 99.0])
    known = known_from(anomaly_document(one, "i1"))
    assert (known.id, known.start, known.end, known.detected, known.incident) == (
        one.id,
        one.start,
        one.end,
        one.detected,
        "i1",
    )


def test_withdrawn_and_closed_say_when_it_was_last_seen_and_change_nothing_twice() -> None:
    document = anomaly_document(anomaly(SERIES, LOW, [95.0, 99.0], open=True), "i1")
    assert "end" not in document["event"]
    assert read(closed(document, "anomaly"), "event.end") == read(document, "anomaly.last")
    once = withdrawn(document, "anomaly", "No longer found")
    assert read(once, "anomaly.status") == "withdrawn"
    assert withdrawn(once, "anomaly", "No longer found") == once
    assert same(once, {**once, "event": {**once["event"], "ingested": "2026-10-20T00:00:00.000Z"}})


def test_the_earlier_peak_is_kept_when_it_was_higher_and_the_earlier_start_always() -> None:
    first = anomaly_document(anomaly(SERIES, LOW, [99.0], reason="below since Fri 20 Nov 10:00: 0.70"), "")
    lower = anomaly_document(anomaly(SERIES, LOW, [80.0], reason="below since Sat 21 Nov 09:00: 0.90"), "")
    assert read(with_earlier_peak(lower, first), "anomaly.reason") == "below since Fri 20 Nov 10:00: 0.70"
    assert read(with_earlier_peak(lower, first), "anomaly.score") == 99
    higher = anomaly_document(anomaly(SERIES, LOW, [99.5], reason="below since Sat 21 Nov 09:00: 0.60"), "")
    assert read(with_earlier_peak(higher, first), "anomaly.reason") == "below since Fri 20 Nov 10:00: 0.60"


def test_state_contributions_survive_the_document() -> None:
    _, document = state_document(State("voip", LOW, 80.0, {"voip.ner": 15.0, "voip.mos": 5.0}, "degraded"))
    assert contributions_of(document) == {"voip.ner": 15.0, "voip.mos": 5.0}
