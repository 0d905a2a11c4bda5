"""What was said of an anomaly keeps others like it quiet, and no others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.clock import epoch_ms
from contracts.entities import Entity
from contracts.errors import UserError
from detectors import mark, marks
from detectors.feedback import Mark, quiet
from detectors.records import anomaly_document
from detectors.subject import Series
from infrastructure.store import Store
from tests.detectors.findings import anomaly
from tests.detectors.simulator import at

TG2 = Series("voip.ner", "voip", Entity("trunk_group", "TG2"))
START = epoch_ms(at(22, 10))
HOUR, DAY = 3_600_000, 86_400_000


def said(scope: str = "series", **changes: Any) -> Mark:
    values: dict[str, Any] = {
        "anomaly": "a",
        "verdict": "false",
        "by": "anna",
        "why": "test calls",
        "at": "2026-11-10T08:00:00.000Z",
        "scope": scope,
        "service": "voip",
        "kpi": "voip.ner",
        "entity": "trunk_group:TG2",
        "direction": "low",
        "deviation": 0.2,
        "start": START,
        "end": START + 28 * DAY,
    }
    return Mark(**{**values, **changes})


@pytest.mark.parametrize(
    ("scope", "series", "changes", "is_quiet"),
    [
        ("series", TG2, {}, True),
        ("series", TG2, {"actual": 0.97 - 0.25}, True),
        ("series", TG2, {"actual": 0.97 - 0.26}, False),
        ("series", TG2, {"direction": "high", "actual": 1.0}, False),
        ("series", TG2._replace(entity=Entity("trunk_group", "TG3")), {}, False),
        ("series", TG2._replace(kpi="voip.asr"), {}, False),
        ("kpi", TG2._replace(entity=Entity("trunk_group", "TG3")), {}, True),
        ("kpi", TG2._replace(kpi="voip.asr"), {}, False),
        ("entity", TG2._replace(kpi="voip.asr"), {"actual": 0.1}, True),
        ("entity", TG2._replace(entity=Entity("trunk_group", "TG3")), {}, False),
        ("kpi", TG2._replace(service="sms"), {}, False),
    ],
)
def test_a_false_one_keeps_those_like_it_quiet(scope: str, series: Series, changes: Any, is_quiet: bool) -> None:
    one = anomaly(series, START + 7 * DAY, [90.0], **{"actual": 0.8, **changes})
    assert quiet([said(scope)], [one]) == (([], 1) if is_quiet else ([one], 0))


@pytest.mark.parametrize(
    ("start", "is_quiet"), [(START - HOUR, False), (START, True), (START + 27 * DAY, True), (START + 28 * DAY, False)]
)
def test_a_verdict_holds_in_its_time_only(start: int, is_quiet: bool) -> None:
    one = anomaly(TG2, start, [90.0], actual=0.8)
    assert (quiet([said()], [one])[1] == 1) is is_quiet


def test_a_true_one_keeps_nothing_quiet() -> None:
    one = anomaly(TG2, START, [90.0], actual=0.8)
    assert quiet([said(verdict="true", start=0, end=0)], [one]) == ([one], 0)


def test_verdict_is_kept_and_a_later_one_takes_its_place(store: Store) -> None:
    one = anomaly(TG2, START, [90.0, 90.0], actual=0.8)
    document = anomaly_document(one, "")
    first = mark(store, document, "false", by="anna", why="test calls", scope="entity", lasting=timedelta(days=2))
    assert marks(store) == [first]
    assert quiet([first], [one]) == ([], 1)
    assert first.end == START + 2 * DAY
    assert marks(store, since=at(25, 0)) == []
    second = mark(store, document, "true", by="ben", why="the group was down")
    assert marks(store) == [second]
    assert quiet([second], [one])[1] == 0
    expected = mark(store, document, "expected", by="ben", why="football")
    assert (expected.start, expected.end) == (one.start, one.end)


@pytest.mark.parametrize(("by", "why", "lasting"), [(" ", "why", 1), ("anna", "", 1), ("anna", "why", 0)])
def test_verdict_without_author_reason_or_time_is_refused(store: Store, by: str, why: str, lasting: int) -> None:
    document = anomaly_document(anomaly(TG2, START, [90.0]), "")
    with pytest.raises(UserError):
        mark(store, document, "false", by=by, why=why, lasting=timedelta(days=lasting))
    assert marks(store) == []
