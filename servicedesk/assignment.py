"""Gives tickets to agents: one by hand, or all new ones in a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.errors import UserError
from servicedesk import lifecycle
from servicedesk.agents import Agent, Choice, Needs, agents, choose, loads_of
from servicedesk.desk import TicketDesk
from servicedesk.lifecycle import Document
from servicedesk.ticket import Ticket

_MOST = 1000  # tickets in one run; the rest comes with the next


def needs_of(ticket: Ticket) -> Needs:
    """The skills that a ticket names, else its category and services."""
    skills = ticket.skills or (ticket.category, *ticket.services)
    return Needs(frozenset(skills), ticket.language, ticket.team)


def assign_best(desk: TicketDesk, key: str, *, by: str) -> tuple[Ticket, Choice]:
    """Gives a ticket to the agent who fits best now. Raises UserError when nobody does, saying why."""
    ticket = desk.get(key)
    chosen = choose(agents(desk.store), loads_of(desk.store), needs_of(ticket), desk.agreements, desk.clock())
    if chosen.agent is None:
        raise UserError(f"nobody can take it: {chosen.why}", where=key, remedy="see `busyhour agent list`")
    return desk.assign(key, chosen.agent.name, by=by, comment=chosen.why), chosen


def assign_new(desk: TicketDesk) -> int:
    """Gives every new ticket that nobody has to who fits best, the most urgent first. How many were given."""
    if not desk.store.settings["desk.assign"]:
        return 0
    everybody = agents(desk.store)
    if not everybody:
        return 0
    loads = loads_of(desk.store)
    waiting = [one for one in desk.list(states=("new",), limit=_MOST) if not one.assignee]
    order = {word: number for number, word in enumerate(("critical", "high", "medium", "low"))}
    return sum(
        _given(desk, ticket, everybody, loads)
        for ticket in sorted(waiting, key=lambda one: (order[one.priority], one.opened))
    )


def _given(desk: TicketDesk, ticket: Ticket, everybody: Sequence[Agent], loads: dict[str, int]) -> bool:
    at = desk.clock()
    chosen = choose(everybody, loads, needs_of(ticket), desk.agreements, at)
    if chosen.agent is None:
        return False
    name = chosen.agent.name
    given: list[str] = []

    def change(source: Document) -> Document | None:
        """Left alone when somebody took it meanwhile."""
        given.clear()
        if source["ticket"].get("assignee") or lifecycle.state_of(source) != "new":
            return None
        given.append(name)
        after = lifecycle.changed(source, at, lifecycle.BY, "assignee", comment=chosen.why, assignee=name)
        return _in_team(after, chosen.agent)

    desk.change(ticket.id, change)
    if given:
        loads[name] = loads.get(name, 0) + 1
    return bool(given)


def _in_team(source: Document, agent: Agent | None) -> Document:
    team: Mapping[str, str] = {"team": agent.team} if agent is not None and agent.team else {}
    return {**source, "ticket": {**source["ticket"], **team}}
