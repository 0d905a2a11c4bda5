"""Who gets a ticket: by skill, language, shift and load; and the desk's job as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UserError
from contracts.settings import read
from infrastructure.store import Store
from servicedesk import DeskReport, TicketDesk, run_desk
from servicedesk.agents import Agent, Choice, Needs, agents, choose, keep_agent, loads_of
from servicedesk.assignment import assign_best, assign_new
from servicedesk.newticket import NewTicket
from servicedesk.sla import agreements_of

AGREEMENTS = agreements_of(read({}))
NOON, NIGHT = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 23, tzinfo=UTC)
ANA = Agent("ana", skills=("voip", "customer"), languages=("de", "en"), shift="office", capacity=4, team="voice")
BOB = Agent("bob", skills=("voip", "customer"), languages=("en",), capacity=4, team="voice")
CAT = Agent("cat", languages=("fr",), shift="night", capacity=2)
ALL = (ANA, BOB, CAT)


def chosen(needs: Needs, loads: dict[str, int] | None = None, at: datetime = NOON) -> str:
    found = choose(ALL, loads or {}, needs, AGREEMENTS, at)
    return found.agent.name if found.agent else found.why


@pytest.mark.parametrize(
    ("needs", "loads", "at", "who"),
    [
        (Needs(frozenset({"voip"}), "de"), {}, NOON, "ana"),
        (Needs(frozenset({"voip"}), "de"), {"ana": 3}, NOON, "ana"),
        (Needs(frozenset({"voip"}), "de"), {"ana": 4}, NOON, "bob"),
        (Needs(frozenset({"voip"}), "de"), {}, NIGHT, "bob"),
        (Needs(frozenset({"voip"})), {"ana": 1}, NOON, "bob"),
        (Needs(frozenset({"fraud"})), {}, NIGHT, "cat"),
        (Needs(frozenset({"fraud"})), {}, NOON, "nobody has the skills fraud"),
        (Needs(frozenset({"voip"})), {"ana": 4, "bob": 9}, NOON, "everybody able has as many tickets as they can take"),
        (Needs(frozenset(), team="none"), {}, NOON, "nobody is there"),
    ],
)
def test_ticket_goes_to_who_fits_best(needs: Needs, loads: dict[str, int], at: datetime, who: str) -> None:
    assert chosen(needs, loads, at) == who


def test_shift_that_is_gone_stops_nobody_elses_tickets() -> None:
    gone = replace(BOB, shift="of an older sla.yml")
    assert choose([gone, CAT], {}, Needs(frozenset()), AGREEMENTS, NIGHT).agent == CAT
    assert choose([gone], {}, Needs(frozenset()), AGREEMENTS, NIGHT).why == "nobody's shift is now"


PEOPLE = st.lists(
    st.builds(
        Agent,
        name=st.sampled_from("abcdef"),
        skills=st.lists(st.sampled_from(["voip", "sms"]), unique=True).map(tuple),
        languages=st.lists(st.sampled_from(["de", "en"]), unique=True).map(tuple),
        shift=st.sampled_from(["always", "office", "night"]),
        capacity=st.integers(1, 3),
        away=st.booleans(),
    ),
    unique_by=lambda one: one.name,
)


@given(PEOPLE, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 4)), st.sampled_from(["", "de"]))
def test_nobody_gets_what_they_cannot_take(people: list[Agent], loads: dict[str, int], language: str) -> None:
    found = choose(people, loads, Needs(frozenset({"voip"}), language), AGREEMENTS, NOON)
    fit = [
        one
        for one in people
        if not one.away
        and one.shift != "night"
        and (not one.skills or "voip" in one.skills)
        and loads.get(one.name, 0) < one.capacity
    ]
    assert (found.agent in fit) if fit else found.agent is None
    speaking = [one for one in fit if language in one.languages]
    if found.agent is not None and language and speaking:
        assert found.agent in speaking
        room = loads.get(found.agent.name, 0) / found.agent.capacity
        assert room == min(loads.get(one.name, 0) / one.capacity for one in speaking)
    assert found.why


def made(desk: TicketDesk, name: str, priority: str = "low", **more: Any) -> str:
    return desk.create(name, title=name, body="", priority=priority, by="x", more=NewTicket(**more)).id


def test_new_tickets_are_given_the_most_urgent_first_and_nobody_gets_too_many(store: Store, desk: TicketDesk) -> None:
    assert assign_new(desk) == 0
    keep_agent(store, Agent("bob", capacity=2, team="voice"))
    low, high, other = made(desk, "l"), made(desk, "h", "high"), made(desk, "o", "critical")
    taken = made(desk, "t")
    desk.assign(taken, "eve", by="eve")
    assert (assign_new(desk), assign_new(desk)) == (2, 0)
    assert [desk.get(key).assignee for key in (low, high, other)] == ["", "bob", "bob"]
    assert (desk.get(high).team, desk.get(high).state, desk.get(high).responded) == ("voice", "new", None)
    assert desk.get(high).history[-1]["comment"] == "can do customer; 1 of 2 tickets; shift always"
    assert loads_of(store) == {"bob": 2, "eve": 1}
    with pytest.raises(UserError, match="as many tickets"):
        assign_best(desk, low, by="ann")


def test_agents_are_kept_and_refused_when_they_make_no_sense(store: Store) -> None:
    keep_agent(store, ANA)
    keep_agent(store, ANA)
    assert agents(store) == [ANA]
    for wrong in (Agent("x", shift="nights"), Agent(" "), Agent("x", capacity=0)):
        with pytest.raises(UserError):
            keep_agent(store, wrong)
    assert isinstance(choose((), {}, Needs(frozenset()), AGREEMENTS, NOON), Choice)


def test_desk_job_does_its_work_once(store: Store) -> None:
    keep_agent(store, Agent("bob"))
    desk = TicketDesk(store)
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)  # long ago: its first response is late
    late = desk.create("late", title="t", body="", priority="low", by="x", category="network", at=at).id
    assert run_desk(store) == DeskReport(told=0, at_risk=0, breached=1, assigned=1)
    assert run_desk(store) == DeskReport(0, 0, 0, 0)
    assert [entry["what"] for entry in desk.get(late).history] == ["created", "escalation", "assignee"]
