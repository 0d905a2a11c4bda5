"""`train`, `detect`, `anomaly`, `incident`, `baseline`, `state` and `evaluate` as a person types them, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import cli, main
from contracts.clock import iso
from contracts.entities import Entity
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from detectors.records import nested
from infrastructure.store import Operation, Store

START = datetime.fromisoformat("2026-10-05T00:00:00+00:00")  # a Monday
OUTAGE = START + timedelta(days=15, hours=10)
TRAINED, UNTIL = START + timedelta(days=14), START + timedelta(days=16)
PLACES = (Entity("service", "voip"), Entity("trunk_group", "TG1"), Entity("trunk_group", "TG2"))


def _points(store: Store) -> Iterator[Operation]:
    """Hourly NER of a service with two trunk groups, 100 calls an hour each; TG2 fails for three hours."""
    for hour in range(24 * 16):
        moment = START + timedelta(hours=hour)
        good = {
            PLACES[1]: 98 - hour % 3,
            PLACES[2]: 30 if OUTAGE <= moment < OUTAGE + timedelta(hours=3) else 97 + hour % 2,
        }
        good[PLACES[0]] = sum(good.values())
        for entity in PLACES:
            whole = 200 if entity.type == "service" else 100
            document = {
                "@timestamp": iso(moment), "event.ingested": iso(store.clock()), "service.name": "voip",
                "entity.type": entity.type, "entity.id": entity.id, "kpi.id": "voip.ner", "kpi.version": 1,
                "kpi.value": good[entity] / whole, "kpi.numerator": float(good[entity]), "kpi.denominator": float(whole),
                "kpi.samples": whole, "kpi.state": "ok", "kpi.resolution.sec": 3600, "kpi.origin": "cdr",
            }  # fmt: skip
            key = joined(("voip.ner", entity, iso(moment)))
            yield Operation("index", store.place(KPI_INDEX[3600], moment), key, nested(document))


@pytest.fixture
def filled(store: Store) -> Store:
    store.write_all(_points(store))
    store.refresh(KPI_INDEX[3600])
    return store


@pytest.fixture
def say(store: Store) -> Callable[..., Result]:
    def run(*words: str, **more: str) -> Result:
        return CliRunner().invoke(cli, words, env={"BUSYHOUR_HOME": store.settings.text("home"), "ES_URL": "", **more})

    return run


@pytest.fixture
def call(say: Callable[..., Result]) -> Callable[..., Any]:
    def run(*words: str, **more: str) -> Any:
        result = say(*words, "--json", **more)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def judged(filled: Store, call: Callable[..., Any]) -> Store:
    assert call("train", "--until", iso(TRAINED))["series"] == 3
    assert call("detect", "--since", iso(TRAINED), "--until", iso(UNTIL))["incidents"]["new"] == 1
    filled.refresh("anomaly", "incident")
    return filled


def test_an_outage_is_listed_shown_and_explained_by_its_trunk(
    judged: Store, call: Callable[..., Any], say: Callable[..., Result]
) -> None:
    rows = call("anomaly", "list", "--entity", "trunk_group:TG2")["anomalies"]
    assert {row["entity"]["id"] for row in rows} == {"TG2"}
    one = next(row for row in rows if row["anomaly"]["detector"] == "baseline")
    shown = call("anomaly", "show", one["anomaly"]["id"][:8])
    assert shown["event"]["start"] == iso(OUTAGE)
    assert shown["parts"][0]["entity"] == "trunk_group:TG2"
    text = say("anomaly", "show", one["anomaly"]["id"]).stdout
    assert one["anomaly"]["reason"] in " ".join(text.split())
    assert "trunk_group:TG2" in text
    (incident,) = call("incident", "list")["incidents"]
    assert call("incident", "show", incident["incident"]["id"][:8])["incident"]["entities"][0] == "trunk_group:TG2"
    assert call("incident", "list", "--open")["incidents"] == []
    assert say("state").exit_code == 0


def test_what_is_not_there_is_told_with_what_to_do(
    judged: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSYHOUR_HOME", judged.settings.text("home"))
    monkeypatch.delenv("ES_URL", raising=False)
    for words in (["anomaly", "show", "zzz"], ["incident", "mark", "zzz", "false", "--by", "a", "--why", "b"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 1
        said = capsys.readouterr().err
        assert "no " in said
        assert "list`" in said


def test_a_verdict_takes_the_incident_back_and_is_measured(
    judged: Store, tmp_path: Path, call: Callable[..., Any], say: Callable[..., Result]
) -> None:
    truth, page = tmp_path / "truth.ndjson", tmp_path / "page.html"
    label = {
        "id": "o", "type": "trunk_outage", "service": "voip", "entities": ["trunk_group:TG2", "trunk_group:TG9"],
        "start": iso(OUTAGE), "end": iso(OUTAGE + timedelta(hours=3)), "delay_limit_s": 7200,
    }  # fmt: skip
    truth.write_text(json.dumps(label))
    span = ("--since", iso(TRAINED), "--until", iso(UNTIL))
    before = call("evaluate", str(truth), *span, "--html", str(page))
    assert (before["precision"], before["recall"], before["unknown_entities"]) == (1.0, 1.0, ["trunk_group:TG9"])
    assert before["feedback"]["unsaid"] >= 1
    assert before["feedback"]["precision"] is None
    assert "What people said" in page.read_text()

    incident = call("incident", "list")["incidents"][0]["incident"]["id"]
    said = call("incident", "mark", incident, "false", "--by", "anna", "--why", "moved traffic", "--for", "7d")["marks"]
    assert {one["verdict"] for one in said} == {"false"}
    listed = call("anomaly", "marks")["marks"]
    assert sorted(one["anomaly"] for one in listed) == sorted(one["anomaly"] for one in said)
    report = call("detect", "--since", iso(TRAINED), "--until", iso(UNTIL))
    assert report["suppressed"] >= 1
    assert report["incidents"]["withdrawn"] == 1
    after = call("evaluate", str(truth), *span)
    assert after["recall"] == 0.0
    feedback = after["feedback"]
    assert (feedback["true"], feedback["false"], feedback["precision"]) == (0, len(said), 0.0)
    withdrawn = [row for row in call("anomaly", "list")["anomalies"] if row["anomaly"]["status"] == "withdrawn"]
    assert feedback["withdrawn"] == len(withdrawn) >= len(said)
    assert feedback["suppressed_last_run"] == report["suppressed"]
    text = say("evaluate", str(truth), *span)
    assert "did you mean trunk_group:TG" in text.output
    assert "called false" in text.output


def test_a_baseline_is_plotted_by_the_hour(judged: Store, call: Callable[..., Any], say: Callable[..., Result]) -> None:
    words = ("baseline", "show", "--kpi", "voip.ner", "--entity", "trunk_group:TG1", "--day", "mon")
    hours = call(*words)["hours"]
    assert [row["hour_of_week"] for row in hours] == list(range(24))
    assert all(row["lower"] <= row["expected"] <= row["upper"] for row in hours)
    lines = [line for line in say(*words).stdout.splitlines() if "●" in line]
    assert len(lines) == 24
    assert all(line.index("├" if "├" in line else "●") <= line.index("●") for line in lines)
    assert "not enough history" in say("baseline", "show", "--kpi", "voip.ner", "--entity", "trunk_group:TG7").stdout


def test_words_say_what_is_missing_before_anything_was_learned(
    filled: Store, store: Store, say: Callable[..., Result]
) -> None:
    early = say("train", "--until", iso(START + timedelta(days=1)))
    assert early.exit_code == 0
    assert "too little history" in early.stderr
    assert "there is no KPI point before" in say("train", "--until", "2020-01-01").stderr


def test_baselines_of_another_zone_are_told(judged: Store, say: Callable[..., Result]) -> None:
    moved = {"BUSYHOUR_NETWORK_TIMEZONE": "Asia/Tokyo"}
    words = say("detect", "--since", iso(TRAINED), "--until", iso(UNTIL), **moved)
    assert words.exit_code == 0
    assert "learned in UTC and network.timezone is Asia/Tokyo" in " ".join(words.stderr.split())
