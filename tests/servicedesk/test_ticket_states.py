"""Laws of a ticket's states, times and promises, over any order of changes at any pace: hypothesis plays everybody."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts.clock import parse_iso
from contracts.errors import UserError
from contracts.settings import read
from servicedesk.lifecycle import assigned, changed, history, moved, noted, state_of, status_of
from servicedesk.sla import agreements_of, with_sla
from servicedesk.sla.policy import KINDS
from servicedesk.states import TRANSITIONS, shipped
from servicedesk.ticket import Ticket
from servicedesk.tmf621 import resource

START = datetime(2026, 11, 9, 8, tzinfo=UTC)
STATES, AGREEMENTS = shipped(), agreements_of(read({}))
KEYS = [state.key for state in STATES]
PEOPLE = st.sampled_from(["ann", "bob", "C1", "busyhour", "somebody@example.org"])


def opened(category: str) -> dict[str, Any]:
    content = {"id": "T-1", "title": "t", "body": "b", "priority": "high", "category": category, "history": []}
    source = {"@timestamp": START.isoformat(), "customer": {"id": ["C1"]}, "ticket": content}
    return with_sla(changed(source, START, "C1", "created", state="new"), AGREEMENTS, START)


class Desk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.source = START, opened("network")
        self.reopened = 0

    def make(self, change: Any) -> bool:
        before = copy.deepcopy(self.source)
        try:
            after = change(self.source)
        except UserError:
            assert self.source == before
            return False
        assert self.source == before
        self.source = with_sla(after, AGREEMENTS, self.now)
        return True

    @rule(minutes=st.integers(1, 3000))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(to=st.sampled_from(KEYS), by=PEOPLE)
    def move(self, to: str, by: str) -> None:
        kind, key, target = state_of(self.source), status_of(self.source), STATES.find(to)
        allowed = target in STATES.steps(kind, key) or (to == "merged" and kind != "closed")
        assert self.make(lambda source: moved(source, to, self.now, by)) == allowed
        if allowed:
            self.reopened += kind == "resolved" and target.type not in ("resolved", "closed")
            assert (state_of(self.source), status_of(self.source)) == (target.type, to)

    @rule(text=st.text(max_size=20), by=PEOPLE)
    def say(self, text: str, by: str) -> None:
        allowed = bool(text.strip()) and state_of(self.source) != "closed"
        assert self.make(lambda source: noted(source, self.now, by, text)) == allowed

    @rule(to=st.sampled_from(["ann", "bob"]), by=PEOPLE)
    def give(self, to: str, by: str) -> None:
        assert self.make(lambda source: assigned(source, to, self.now, by)) == (state_of(self.source) != "closed")

    @invariant()
    def closed_is_final_and_types_follow_the_picture(self) -> None:
        kinds = [entry["to"] for entry in history(self.source) if entry["what"] in ("created", "state")]
        for before, after in pairwise(kinds):
            assert before != "closed"
            assert after in TRANSITIONS[before] or after == "closed"

    @invariant()
    def times_and_counts_follow_the_history(self) -> None:
        read_back = Ticket.of(self.source)
        assert read_back.reopened == self.reopened
        assert (read_back.closed is not None) == (read_back.state == "closed")
        assert (read_back.resolved is not None) == (read_back.state in ("resolved", "closed"))
        by_agents = [entry for entry in read_back.history if entry["by"] in ("ann", "bob")]
        answered = [entry for entry in by_agents if entry["what"] in ("comment", "state", "status")]
        assert (read_back.responded is not None) == bool(answered)
        if answered:
            assert read_back.responded == parse_iso(str(answered[0]["at"]))

    @invariant()
    def promises_are_worked_out_from_the_history_alone(self) -> None:
        again = with_sla(self.source, AGREEMENTS, self.now)
        sla = with_sla({**self.source, "ticket": {**self.source["ticket"], "sla": {}}}, AGREEMENTS, self.now)["ticket"][
            "sla"
        ]
        assert again["ticket"]["sla"] == sla
        due = [sla[kind]["due"] for kind in KINDS if "due" in sla[kind]]
        assert ("next" in sla) == bool(due)
        assert sla.get("next", {}).get("due") == (min(due) if due else None)
        if state_of(self.source) in ("pending", "resolved", "closed"):
            assert "due" not in sla["update"]
        if "next" in sla:
            assert sla["next"]["warn"] <= sla["next"]["due"]
        if sla["state"] == "breached":
            assert any(sla[kind]["breached"] for kind in KINDS)

    @invariant()
    def other_systems_can_read_it(self) -> None:
        found = resource(Ticket.of(self.source))
        assert found["status"] == STATES.find(status_of(self.source)).tmf621
        assert found["statusChangeHistory"][-1]["status"] == found["status"]


TestDesk = Desk.TestCase
TestDesk.settings = hypothesis_settings(  # a busy machine draws slowly
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
