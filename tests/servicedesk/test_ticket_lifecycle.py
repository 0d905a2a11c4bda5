"""Laws of a ticket's life, over any order of changes: hypothesis plays the agents, a plain model keeps count."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts.errors import UserError
from servicedesk import PRIORITIES, STATES, TRANSITIONS, priority
from servicedesk.lifecycle import assigned, changed, history, moved, noted, state_of
from servicedesk.ticket import Ticket, ids

START = datetime(2026, 11, 10, 8, tzinfo=UTC)


def ticket() -> dict[str, Any]:
    content = {"id": "T-1", "title": "t", "body": "b", "priority": "high", "category": "network", "history": []}
    return changed({"@timestamp": START.isoformat(), "ticket": content}, START, "me", "created", state="new")


class Tickets(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.source, self.now, self.expected, self.entries = ticket(), START, "new", 1

    def try_it(self, change: Any, allowed: bool, entries: int, expected: str) -> None:
        self.now += timedelta(minutes=1)
        before = copy.deepcopy(self.source)
        try:
            after = change(self.source)
        except UserError:
            assert not allowed
            assert self.source == before
        else:
            assert allowed
            assert self.source == before  # a change is a copy
            self.source, self.expected, self.entries = after, expected, self.entries + entries

    @rule(to=st.sampled_from(STATES), by=st.sampled_from(["ann", "bob"]))
    def move(self, to: str, by: str) -> None:
        self.try_it(lambda source: moved(source, to, self.now, by), to in TRANSITIONS[self.expected], 1, to)

    @rule(text=st.text(min_size=1).filter(str.strip))
    def note(self, text: str) -> None:
        self.try_it(lambda source: noted(source, self.now, "ann", text), self.expected != "closed", 1, self.expected)

    @rule(to=st.sampled_from(["ann", "bob"]))
    def assign(self, to: str) -> None:
        new = self.expected == "new"
        after = "open" if new else self.expected
        self.try_it(lambda source: assigned(source, to, self.now, "ann"), self.expected != "closed", 1 + new, after)

    @invariant()
    def history_tells_the_whole_life(self) -> None:
        entries = history(self.source)
        assert len(entries) == self.entries
        state = ""
        for entry in entries:
            if "state" in (entry["what"],) or entry["what"] == "created":
                assert entry["from"] == state
                state = entry["to"]
        assert state == state_of(self.source) == self.expected
        assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)

    @invariant()
    def time_of_resolution_is_there_only_when_it_is_resolved(self) -> None:
        assert ("resolved" in self.source["ticket"]) == (self.expected in ("resolved", "closed"))

    @invariant()
    def document_reads_as_a_ticket(self) -> None:
        read = Ticket.of(self.source)
        assert (read.state, read.revision) == (self.expected, self.entries)


TestTickets = Tickets.TestCase


def test_ticket_states_form_the_cycle_that_is_documented() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert TRANSITIONS["closed"] == ()
    assert all(to in STATES for targets in TRANSITIONS.values() for to in targets)
    assert [state for state in STATES if "new" in TRANSITIONS[state]] == []


def test_ticket_step_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(UserError, match="new cannot become resolved") as caught:
        moved(ticket(), "resolved", START, "me")
    assert "open" in caught.value.remedy
    with pytest.raises(UserError, match="did you mean resolved"):
        moved(ticket(), "resloved", START, "me")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_comment_is_refused_when_it_is_empty(text: str) -> None:
    with pytest.raises(UserError, match="empty"):
        noted(ticket(), START, "me", text)


@given(st.integers(1, 4), st.integers(0, 10**7), st.integers(0, 10**7))
def test_priority_never_falls_with_more_customers_or_a_graver_severity(severity: int, one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    assert PRIORITIES.index(priority(severity, more)) <= PRIORITIES.index(priority(severity, fewer))
    if severity > 1:
        assert PRIORITIES.index(priority(severity - 1, one)) <= PRIORITIES.index(priority(severity, one))


@pytest.mark.parametrize(("severity", "customers"), [(0, 1), (5, 1), (1, -1)])
def test_priority_is_refused_when_out_of_range(severity: int, customers: int) -> None:
    with pytest.raises(ValueError, match=r"severity|less than none"):
        priority(severity, customers)


def test_ticket_ids_grow_longer_so_that_two_never_share_one() -> None:
    found = list(ids(START, "fingerprint", START))
    assert found[0].startswith("T-20261110-")
    assert [len(key) for key in found] == [17, 21, 27, 43]
    assert all(key.startswith(found[0]) for key in found)
    assert found != list(ids(START, "another", START))
