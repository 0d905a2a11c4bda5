"""`busyhour watch` and `busyhour notification` as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from alerting import load_watches
from cli.main import cli
from contracts.clock import iso
from contracts.errors import UserError
from infrastructure.store import Operation, Store


@pytest.fixture
def call(store: Store) -> Callable[..., Any]:
    def run(*words: str, **more: str) -> Any:
        environment = {"BUSYHOUR_HOME": store.settings.text("home"), **more}
        result = CliRunner().invoke(cli, [*words, "--json"], env=environment)
        if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
            raise result.exception
        return json.loads(result.stdout)

    return run


def test_watch_is_run_shown_acknowledged_and_switched(store: Store, call: Callable[..., Any]) -> None:
    at = iso(store.clock() - timedelta(minutes=5))
    what = {"id": "I1", "status": "open", "title": "Incident I1", "reason": "why", "detected": at}
    source = {"@timestamp": at, "event": {"start": at, "ingested": at, "severity": 1}, "incident": what}
    store.write_all([Operation("index", store.place("incident"), "I1", source)])
    store.refresh("incident")

    said = call("watch", "test", "incident-open")
    assert said["times"] == 1
    assert said["sentence"].startswith("would have fired once between ")
    assert "Incident I1" in said["sentence"]

    report = call("watch", "run", "incident-open")
    assert (report["fired"], report["state"]) == (1, "firing")
    shown = call("watch", "show", "incident-open")
    assert (shown["standing"]["state"], len(shown["firing"])) == ("firing", 1)
    assert len(call("watch", "ack", "incident-open", "--by", "anna", "--why", "on it")["acknowledged"]) == 1
    assert call("watch", "ack", "incident-open", "--by", "anna")["acknowledged"] == []

    assert call("watch", "deactivate", "incident-open", "--by", "anna", "--why", "test")["active"] is False
    before = call("alert")
    assert before["watches"] == len(load_watches()) - 1
    assert call("watch", "run", "incident-open")["evaluations"] == 1  # asked for by hand
    assert call("watch", "activate", "incident-open", "--by", "ben")["active"] is True
    history = call("watch", "history", "incident-open")
    assert [row["state"] for row in history["changes"]][:2] == ["activated", "deactivated"]
    assert history["changes"][1]["by"] == "anna"
    assert len(history["alerts"]) == 1
    standing = {row["watch"]: row.get("standing", {}) for row in call("watch", "list", "--state")["watches"]}
    assert standing["target-breach"]["state"] == "ok"
    assert standing["target-breach"]["reason"]

    kinds = {row["notification"]["kind"] for row in call("notification", "list")["notifications"]}
    assert kinds == {"logging", "ticket"}
    assert call("notification", "send") == {"sent": 0, "failed": 0, "pending": 0, "problems": []}
    assert call("notification", "retry", "--all") == {"queued": 0}


def test_watches_of_a_folder_stand_beside_the_shipped_ones(call: Callable[..., Any], tmp_path: Path) -> None:
    shipped = next(watch for watch in load_watches() if watch.name == "cluster-unwell")
    (tmp_path / "mine.yml").write_text(Path(shipped.path).read_text(encoding="utf-8"), encoding="utf-8")
    names = [row["watch"] for row in call("watch", "list", BUSYHOUR_ALERT_WATCHES_FOLDER=str(tmp_path))["watches"]]
    assert "mine" in names
    assert len(names) == len(load_watches()) + 1


def test_unknown_watch_and_letter_are_refused(call: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match="unknown watch 'incident-opn'"):
        call("watch", "show", "incident-opn")
    with pytest.raises(UserError, match="no dead letter"):
        call("notification", "retry", "zz")
    with pytest.raises(UserError, match="or give --all"):
        call("notification", "retry")
    with pytest.raises(UserError, match="answer for it"):
        call("watch", "deactivate", "incident-open", "--by", " ")
