"""The desk's figures: counted right by day, team and agent, in the report and as KPI points."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import cli
from contracts.clock import iso
from contracts.errors import UserError
from contracts.settings import Settings
from infrastructure.store import Operation, Store
from kpis.collecting import collect
from kpis.tracking import load
from servicedesk import TicketDesk
from servicedesk.analytics import Figures, report, write_backlog
from servicedesk.newticket import NewTicket

DAY = datetime(2026, 11, 16, tzinfo=UTC)
END = DAY + timedelta(days=2)


class Clock:
    def __init__(self) -> None:
        self.now = DAY

    def __call__(self) -> datetime:
        return self.now


# opened and answered and resolved (hours after DAY), team, agent, reopened and resolved again (hours)
TICKETS: tuple[tuple[float, float | None, float | None, str, str, float | None], ...] = (
    (1, 2, 5, "core", "ana", None),
    (2, 5, 8, "core", "ana", 30),
    (3, 3.5, 4, "access", "ben", None),
    (26, 27, None, "access", "ben", None),
    (27, None, None, "", "", None),
)
SCORES = ((5, "core", "ana"), (2, "core", "ana"), (4, "access", "ben"))


@pytest.fixture
def busy(store: Store) -> Store:
    """Two days of a small desk."""
    clock = Clock()
    desk = TicketDesk(store, clock)

    def at(hours: float) -> datetime:
        clock.now = DAY + timedelta(hours=hours)
        return clock.now

    for number, (opened, taken, resolved, team, agent, again) in enumerate(TICKETS):
        more = NewTicket(origin="customer", channel="email", team=team)
        ticket = desk.create(
            "t", number, title=f"t{number}", body="b", priority="high", by="x@y.example", at=at(opened), more=more
        )
        if taken is not None:
            desk.assign(ticket.id, agent, by=agent, at=at(taken))
        if resolved is not None:
            desk.resolve(ticket.id, by=agent, comment="done", at=at(resolved))
        if again is not None:
            desk.transition(ticket.id, "open", by=agent, at=at(again - 1))
            desk.resolve(ticket.id, by=agent, comment="done again", at=at(again))
    answers = [
        Operation("index", store.place("interaction"), f"s{number}", _answer(number, *row))
        for number, row in enumerate(SCORES)
    ]
    store.write_all(answers)
    store.refresh("ticket", "interaction")
    return store


def _answer(number: int, score: int, team: str, agent: str) -> dict[str, Any]:
    own = {"channel": "survey", "direction": "inbound", "status": "filed", "external_id": str(number)}
    at = iso(DAY + timedelta(hours=10))
    survey = {"score": score, "team": team, "agent": agent}
    return {"@timestamp": at, "event": {"ingested": at}, "interaction": own, "survey": survey}


def test_report_counts_what_happened_in_all_and_by_day_team_and_agent(busy: Store) -> None:
    found = report(busy, DAY, END)
    total = found.total
    assert (total.opened, total.responded, total.resolved, total.reopened, total.answers) == (5, 4, 3, 1, 3)
    assert total.first_response_sec == pytest.approx(3600)  # of 1, 3, 0.5 and 1 hours
    assert total.resolution_sec == pytest.approx(4 * 3600)  # of 4, 28 and 1 hours
    assert total.satisfaction == pytest.approx(11 / 3)
    assert (total.satisfied, total.reopen_share, total.per_day) == pytest.approx((2 / 3, 1 / 3, 1.5))
    days = {each.group: (each.opened, each.resolved, each.per_day) for each in found.days}
    assert days == {"2026-11-16": (3, 2, 2), "2026-11-17": (2, 1, 1)}
    teams = {each.group: (each.opened, each.resolved) for each in found.teams}
    assert teams == {"core": (2, 2), "access": (2, 1), "(nobody)": (1, 0)}
    agents = {each.group: (each.resolved, each.satisfaction) for each in found.agents}
    assert agents["ana"] == (2, 3.5)
    assert agents["ben"] == (1, 4.0)
    assert [(each.category, each.channel, each.opened) for each in found.reasons] == [("customer", "email", 5)]
    assert found.backlog == {"new": 1, "open": 1, "pending": 0}


def test_report_says_nothing_where_nothing_happened_and_not_zero(busy: Store) -> None:
    found = report(busy, DAY - timedelta(days=9), DAY - timedelta(days=8))
    assert found.total == Figures("all")
    assert (found.total.satisfaction, found.total.solution_in_time) == (None, None)
    with pytest.raises(UserError, match="empty"):
        report(busy, END, DAY)


def test_share_in_time_is_of_what_was_promised(busy: Store) -> None:
    """By the shipped promises: whatever they are, the report agrees with the marks on the tickets."""
    hits = busy.search("ticket", size=100)["hits"]["hits"]
    promised = [
        hit["_source"]["ticket"]["sla"]["solution"]
        for hit in hits
        if "resolved" in hit["_source"]["ticket"] and "solution" in hit["_source"]["ticket"].get("sla", {})
    ]
    met = sum(not each.get("breached", False) for each in promised)
    assert len(promised) == 3
    assert report(busy, DAY, END).total.solution_in_time == pytest.approx(met / len(promised))


def test_desk_kpis_are_collected_as_points_by_team_and_agent(busy: Store) -> None:
    names = [name for name in load(busy).known if name.startswith("desk.")]
    assert len(names) >= 12
    done = collect(busy, only=[name for name in names if name != "desk.backlog"], now=END + timedelta(hours=1))
    assert done.problems == []
    rows = {
        (row["kpi"]["id"], row["entity"]["type"], row["entity"]["id"], row["@timestamp"][:10]): row["kpi"].get("value")
        for row in (hit["_source"] for hit in busy.scan("kpi-1d"))
    }
    assert rows["desk.agent_resolved", "agent", "ana", "2026-11-16"] == 1
    assert rows["desk.agent_resolved", "agent", "ana", "2026-11-17"] == 1
    assert rows["desk.first_response_time", "team", "core", "2026-11-16"] == pytest.approx(120)
    assert rows["desk.satisfaction", "agent", "ana", "2026-11-16"] == pytest.approx(3.5)
    assert rows["desk.reopened_ratio", "network", "all", "2026-11-17"] == 1
    assert rows["desk.contact_reasons", "category", "customer", "2026-11-16"] == 3


def test_backlog_is_written_as_points_of_its_own_and_again_without_doubling(busy: Store) -> None:
    written = write_backlog(busy)
    assert write_backlog(busy) == written
    busy.refresh("kpi-1h", "kpi-1d")
    rows = [hit["_source"] for hit in busy.scan("kpi-1h")]
    points = {f"{row['entity']['type']}:{row['entity']['id']}": row["kpi"]["value"] for row in rows}
    assert len(rows) == len(points) == written / 2
    assert points["network:all"] == 2
    assert (points["team:access"], points["team:core"], points["agent:ben"]) == (1, 0, 1)
    assert {row["kpi"]["origin"] for row in rows} == {"servicedesk"}


def test_report_command_gives_table_csv_and_json(busy: Store, node_settings: Settings) -> None:
    environment = {"BUSYHOUR_HOME": node_settings.text("home")}

    def run(*arguments: str) -> str:
        command = ["desk", "report", "--until", "2026-11-18", "--period", "week", *arguments]
        done = CliRunner().invoke(cli, command, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert json.loads(run("--json"))["total"]["resolved"] == 3
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv"))))
    assert [row["resolved"] for row in rows if row["by"] == "agent" and row["group"] == "ana"] == ["2"]
    assert "backlog open" in run()
