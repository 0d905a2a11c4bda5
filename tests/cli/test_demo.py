"""The whole way once, as a newcomer runs it: the demo on a node of its own, then the commands it tells one to type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TYPES = {"trunk_outage", "partial_blocking", "jitter_storm", "sms_backlog", "apn_congestion", "silent_feed"}


class Cli:
    """`busyhour` as a process, on one home."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "BUSYHOUR_HOME": str(home)}
        self.environment.pop("ES_URL", None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=1200, check=False)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    home = tmp_path_factory.mktemp("demo-home")
    program = Cli(home)
    yield program
    program.run("node", "stop")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def demo(cli: Cli) -> dict[str, Any]:
    answer: dict[str, Any] = cli.json("demo")
    return answer


def test_demo_finds_alerts_and_tickets_every_labelled_incident(demo: dict[str, Any]) -> None:
    assert {match["type"] for match in demo["evaluation"]["matches"]} == TYPES
    assert demo["incidents_found"] == demo["incidents"] == len(TYPES)
    assert demo["complete"]
    assert demo["tickets"] >= demo["incidents"]


def test_demo_raises_at_most_a_handful_of_false_alerts(demo: dict[str, Any]) -> None:
    assert demo["false_alerts"] <= 3
    assert demo["false_alarms"] <= 5


def test_demo_names_impacted_customers_of_every_incident(demo: dict[str, Any]) -> None:
    assert len(demo["impacted_customers"]) == len(TYPES)
    assert all(0 < count <= 2000 for count in demo["impacted_customers"].values())


def test_books_balance_after_the_demo(cli: Cli, demo: dict[str, Any]) -> None:
    assert demo["records"] > 300_000
    assert cli.json("files", "list", "--unbalanced", "--limit", "10000") == {"files": []}


def test_tickets_are_resolved_when_their_alert_resolved(cli: Cli, demo: dict[str, Any]) -> None:
    tickets = cli.json("ticket", "list")["tickets"]
    assert len(tickets) == demo["tickets"]
    states = [ticket["state"] for ticket in tickets]
    assert (set(states), states.count("closed")) == ({"resolved", "closed"}, 1)  # one of them is told to its end
    assert all(len(ticket["history"]) >= 3 for ticket in tickets)


def test_commands_that_the_demo_names_answer(cli: Cli, demo: dict[str, Any]) -> None:
    assert cli.json("incident", "list")["incidents"]
    assert len(cli.json("baseline", "show", "--kpi", "voip.asr", "--entity", "trunk_group:TG2")["hours"]) == 168
    points = cli.json("kpi", "show", "--entity", "trunk_group:TG2", "--kpi", "voip.ner", "--since", "2000-01-01")[
        "points"
    ]
    assert {point["kpi"]["id"] for point in points} == {"voip.ner"}
    assert {state["service"] for state in cli.json("state")["states"]} >= {"voip", "sms", "epc"}
    assert cli.json("rejects", "list")["rejects"]


def test_evaluate_answers_the_same_as_the_demo(cli: Cli, demo: dict[str, Any]) -> None:
    truth = Path(cli.environment["BUSYHOUR_HOME"]) / "demo" / "traffic" / "truth.ndjson"
    answer = cli.json("evaluate", str(truth))
    assert answer["recall"] == demo["evaluation"]["recall"] == 1.0


def test_second_detection_and_alerting_change_nothing(cli: Cli, demo: dict[str, Any]) -> None:
    before = cli.json("ticket", "list"), cli.json("incident", "list")
    assert cli.run("detect", "--since", demo["judged_from"], "--until", demo["judged_until"]).returncode == 0
    assert (
        cli.run("alert", "--since", demo["judged_from"], "--until", demo["judged_until"], "--every", "5m").returncode
        == 0
    )
    assert (cli.json("ticket", "list"), cli.json("incident", "list")) == before


def test_the_jobs_answer_machines(cli: Cli, demo: dict[str, Any]) -> None:
    assert cli.json("rollup")["points"].keys() == {"kpi-5m", "kpi-1h", "kpi-1d"}
    assert set(cli.json("train", "--until", demo["judged_from"])["by_resolution"]) <= {"300", "3600", "86400"}


def test_demo_brings_usage_into_its_store_and_writes_the_kpi_report(demo: dict[str, Any]) -> None:
    assert demo["usage_balanced"]
    page, paper = (Path(name) for name in demo["kpi_report"])
    assert "<svg" in page.read_text(encoding="utf-8") or "data:image" in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF-")
