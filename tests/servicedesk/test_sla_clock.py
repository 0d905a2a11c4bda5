"""Working time and deadlines: calendars over zones and clock changes, targets that stand still, escalation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DefinitionError, UserError
from contracts.settings import read
from infrastructure.store import Store
from servicedesk import Ticket, TicketDesk
from servicedesk.accounts import change_account
from servicedesk.escalation import EscalationReport, escalate
from servicedesk.newticket import NewTicket
from servicedesk.sla import Calendar, agreements_of
from servicedesk.sla.calendar import read_calendar

BERLIN = read_calendar("o", ZoneInfo("Europe/Berlin"), {"mon-fri": "08:00-12:00,13:00-17:00"}, "DE", "x")
ALWAYS = read_calendar("a", ZoneInfo("America/New_York"), {"mon-sun": "00:00-24:00"}, "", "x")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
HOUR = 3600


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-20T08:00", 2, "2026-11-20T10:00"),  # Friday 09:00 in Berlin
        ("2026-11-20T10:00", 2, "2026-11-20T13:00"),  # over lunch
        ("2026-11-20T15:00", 2, "2026-11-23T08:00"),  # over the weekend
        ("2026-03-27T15:30", 1, "2026-03-30T06:30"),  # over the weekend in which summer time begins
        ("2026-12-24T15:00", 2, "2026-12-28T08:00"),  # over Christmas (25th, 26th)
        ("2026-11-21T12:00", 1, "2026-11-23T08:00"),  # from a Saturday
    ],
)
def test_due_time_counts_working_hours_only(start: str, hours: int, due: str) -> None:
    assert BERLIN.add(utc(start), hours * HOUR) == utc(due)


def test_day_that_clocks_change_on_has_its_own_length() -> None:
    spring, autumn = utc("2026-03-08T05:00"), utc("2026-11-01T04:00")  # midnight in New York
    assert ALWAYS.between(spring, ALWAYS.add(spring, 23 * HOUR)) == 23 * HOUR
    assert ALWAYS.between(spring, utc("2026-03-09T04:00")) == 23 * HOUR
    assert ALWAYS.between(autumn, utc("2026-11-02T05:00")) == 25 * HOUR


@given(MOMENTS, st.integers(0, 400 * HOUR), st.sampled_from([BERLIN, ALWAYS]))
def test_time_added_is_the_time_between(start: datetime, seconds: int, calendar: Calendar) -> None:
    due = calendar.add(start, seconds)
    assert abs(calendar.between(start, due) - seconds) < 1e-3
    assert due >= start


@given(MOMENTS, MOMENTS, MOMENTS, st.sampled_from([BERLIN, ALWAYS]))
def test_time_between_adds_up(one: datetime, two: datetime, three: datetime, calendar: Calendar) -> None:
    a, b, c = sorted((one, two, three))
    assert calendar.between(a, b) + calendar.between(b, c) == pytest.approx(calendar.between(a, c))
    assert 0 <= calendar.between(a, b) <= (b - a).total_seconds() + 1e-6


def test_span_of_weekdays_may_go_over_the_end_of_the_week() -> None:
    calendar = read_calendar("c", ZoneInfo("UTC"), {"fri-mon": "08:00-12:00"}, "", "x")
    assert [bool(spans) for spans in calendar.week] == [True, False, False, False, True, True, True]


@pytest.mark.parametrize(
    "hours",
    [
        {"man": "08:00-09:00"},
        {"mon": "09:00-08:00"},
        {"mon": "8-9"},
        {"mon": "08:00-25:00"},
        {"mon": "08:00-09:00,08:30-10:00"},
    ],
)
def test_calendar_is_refused_when_it_makes_no_sense(hours: dict[str, str]) -> None:
    with pytest.raises(DefinitionError):
        read_calendar("c", ZoneInfo("UTC"), hours, "", "sla.yml: calendars.c")


def test_calendar_without_work_or_known_holidays_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no working time"):
        Calendar("none", ZoneInfo("UTC"), ((),) * 7).add(utc("2026-01-01"), 1)
    with pytest.raises(DefinitionError, match="no holidays"):
        read_calendar("c", ZoneInfo("UTC"), {}, "XX", "x")


def test_shipped_agreements_are_read_and_own_ones_take_their_place(tmp_path: Path) -> None:
    shipped = agreements_of(read({}))
    assert shipped.of_category("network") == "network"
    assert shipped.of_category("billing") == "standard"
    text = (Path(__file__).resolve().parents[2] / "servicedesk" / "sla" / "sla.yml").read_text(encoding="utf-8")
    own = tmp_path / "sla.yml"
    settings = read({"BUSYHOUR_DESK_FOLDER": str(tmp_path)})
    assert agreements_of(settings).policies.keys() == shipped.policies.keys()
    own.write_text(text.replace("first_response: 30m", "first_response: 31m"), encoding="utf-8")
    assert agreements_of(settings).policies["standard"].targets["critical"]["first_response"] == 31 * 60
    for wrong in (
        text.replace("warn: 0.75", "warn: 2"),
        text.replace("standard:", "other:"),
        text.replace("30m", "soon"),
    ):
        own.write_text(wrong, encoding="utf-8")
        with pytest.raises(DefinitionError, match="sla"):
            agreements_of(settings)


class Hours:
    """A desk whose clock is hours after the opening of its one critical ticket of the network: 15m, 30m and 4h."""

    def __init__(self, store: Store, start: datetime) -> None:
        self.store, self.start, self.now = store, start, start
        self.desk = TicketDesk(store, lambda: self.now)
        kind = {"priority": "critical", "category": "network", "by": "ann", "at": start}
        self.key = self.desk.create("one", title="t", body="b", **kind).id

    def at(self, hours: float) -> TicketDesk:
        self.now = self.start + timedelta(hours=hours)
        return self.desk

    def ticket(self) -> Ticket:
        return self.desk.get(self.key)

    def due(self, kind: str) -> Any:
        found = self.ticket().sla[kind].get("due")
        return None if found is None else (datetime.fromisoformat(found) - self.start) / timedelta(hours=1)


@pytest.fixture
def hours(store: Store, start: datetime) -> Hours:
    return Hours(store, start)


def test_deadlines_are_there_from_the_opening_and_the_earliest_is_next(hours: Hours) -> None:
    assert [hours.due(kind) for kind in ("first_response", "update", "solution")] == [0.25, 0.5, 4]
    assert hours.ticket().sla["next"]["kind"] == "first_response"
    assert (hours.ticket().sla["state"], hours.ticket().sla["policy"]) == ("ok", "network")


def test_time_stands_still_while_a_ticket_is_pending(hours: Hours) -> None:
    hours.at(0.2).assign(hours.key, "bob", by="bob")
    assert hours.ticket().responded is not None
    assert hours.ticket().sla["first_response"] == {"done": hours.ticket().history[-1]["at"], "breached": False}
    hours.at(0.5).transition(hours.key, "waiting_supplier", by="bob", comment="asked them")
    assert (hours.ticket().sla["state"], hours.due("solution"), hours.due("update")) == ("frozen", None, None)
    assert "next" not in hours.ticket().sla
    hours.at(10.5).transition(hours.key, "open", by="bob")
    assert (hours.due("solution"), hours.due("update")) == (14, 11)
    hours.at(10.75).resolve(hours.key, by="bob", comment="done")
    assert (hours.ticket().sla["state"], hours.ticket().sla["solution"]["breached"]) == ("met", False)
    hours.at(20).transition(hours.key, "open", by="ann", comment="not at all")
    assert hours.due("solution") == 14 + 9.25
    assert hours.ticket().reopened == 1


def test_escalation_comes_before_the_breach_and_again_with_it_and_each_once(hours: Hours, store: Store) -> None:
    def run(at: float) -> EscalationReport:
        return escalate(store, now=hours.start + timedelta(hours=at))

    assert run(0.1) == EscalationReport()
    hours.at(0.19)
    assert (run(0.19), run(0.19)) == (EscalationReport(at_risk=1), EscalationReport())
    ticket = hours.ticket()
    assert (ticket.sla["state"], ticket.sla["escalated"]) == ("at_risk", 1)
    assert ticket.history[-1]["comment"].startswith("the first response is due at 2026-11-10T08:15")
    assert (run(0.3), run(0.3)) == (EscalationReport(breached=1), EscalationReport())
    assert hours.ticket().sla["state"] == "breached"
    hours.at(0.31).assign(hours.key, "bob", by="bob")
    assert hours.ticket().sla["first_response"]["breached"] is True
    assert (hours.ticket().sla["escalated"], hours.ticket().sla["next"]["kind"]) == (0, "update")
    assert run(0.75) == EscalationReport(at_risk=1)
    hours.at(0.8).resolve(hours.key, by="bob", comment="done")
    assert run(100) == EscalationReport()
    assert hours.ticket().sla["state"] == "breached"


def test_jobs_and_customers_give_no_first_response(hours: Hours, store: Store) -> None:
    hours.at(0.1).comment(hours.key, "I wait", by="somebody@example.org")
    hours.at(0.1).comment(hours.key, "still fires", by="busyhour")
    assert hours.ticket().responded is None
    hours.at(0.2).comment(hours.key, "we look", by="bob")
    assert hours.ticket().responded == hours.now


def test_promise_of_a_contract_goes_before_that_of_the_category(
    desk: TicketDesk, store: Store, customers: Callable[[int], Path]
) -> None:
    customers(2)
    change_account(store, "C0000001", {"sla": "gold"}, by="ann")

    def policy(who: Sequence[str], **more: Any) -> str:
        usual = {"title": "t", "body": "", "priority": "low", "by": "a", "customers": who}
        return str(desk.create(*who, *more, **{**usual, **more}).sla["policy"])

    assert policy(["C0000001"]) == "gold"
    assert policy(["C0000001"], more=NewTicket(sla="network")) == "network"
    assert policy(["C0000001"], category="network", fingerprint="f") == "network"  # the network's own, whoever feels it
    assert policy(["C0000002"]) == policy(["C0000001", "C0000002"]) == policy(["nobody"]) == policy([]) == "standard"
    with pytest.raises(UserError, match=r"no promise 'golden'.*gold"):
        change_account(store, "C0000002", {"sla": "golden"}, by="ann")
