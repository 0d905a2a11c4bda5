"""Who works at the desk, as data; and who of them gets a ticket: by skill, language, shift and load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.clock import iso
from contracts.errors import UserError
from infrastructure.store import Store
from servicedesk.profiles import listed
from servicedesk.sla import Agreements, agreements_of

MOST = 5000  # agents
_LIVE = ("new", "open")  # what is pending waits for others, and is no load


@dataclass(frozen=True, slots=True)
class Agent:
    """`skills`: categories and services; none: everything. `shift`: a calendar of sla.yml. `capacity`: tickets at once."""

    name: str
    full_name: str = ""
    team: str = ""
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    shift: str = "always"
    capacity: int = 10
    away: bool = False

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Agent:
        """From a document of index `agent`."""
        row = source["agent"]
        return cls(
            name=row["name"],
            full_name=row.get("full_name", ""),
            team=row.get("team", ""),
            skills=listed(row.get("skills")),
            languages=listed(row.get("languages")),
            shift=row.get("shift", "always"),
            capacity=row.get("capacity", 10),
            away=row.get("away", False),
        )


@dataclass(frozen=True, slots=True)
class Needs:
    """What a ticket asks of who works on it. `language` "": any."""

    skills: frozenset[str]
    language: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """`agent` None: nobody; `why` in words either way."""

    agent: Agent | None
    why: str


def choose(
    agents: Iterable[Agent], loads: Mapping[str, int], needs: Needs, agreements: Agreements, now: datetime
) -> Choice:
    """Of those who are there, on shift, able and not full: who speaks the language, then who has the most room. Pure.

    `loads`: tickets in hand by agent. A language nobody speaks keeps no ticket waiting.
    """
    left = [one for one in agents if not one.away and (not needs.team or one.team == needs.team)]
    steps: list[tuple[str, list[Agent]]] = [("nobody is there", left)]
    left = [one for one in left if _works(agreements, one, now)]
    steps.append(("nobody's shift is now", left))
    left = [one for one in left if not one.skills or needs.skills <= set(one.skills)]
    steps.append((f"nobody has the skills {', '.join(sorted(needs.skills))}", left))
    left = [one for one in left if loads.get(one.name, 0) < one.capacity]
    steps.append(("everybody able has as many tickets as they can take", left))
    for words, some in steps:
        if not some:
            return Choice(None, words)
    speaking = [one for one in left if needs.language in one.languages] if needs.language else []
    best = min(speaking or left, key=lambda one: (loads.get(one.name, 0) / one.capacity, one.name))
    spoken = (
        f"speaks {needs.language}" if speaking else f"nobody on shift speaks {needs.language}" if needs.language else ""
    )
    able = f"can do {', '.join(sorted(needs.skills))}" if needs.skills else ""
    load = f"{loads.get(best.name, 0)} of {best.capacity} tickets"
    return Choice(best, "; ".join(part for part in (able, spoken, load, f"shift {best.shift}") if part))


def _works(agreements: Agreements, agent: Agent, now: datetime) -> bool:
    """A shift that is no longer in sla.yml is nobody's: it must not stop the tickets of all others."""
    shift = agreements.calendars.get(agent.shift)
    return shift is not None and shift.works(now)


def agents(store: Store) -> list[Agent]:
    """Everybody, by name."""
    hits = store.search("agent", size=MOST, sort=[{"agent.name": "asc"}])["hits"]["hits"]
    return [Agent.of(hit["_source"]) for hit in hits]


def keep_agent(store: Store, agent: Agent) -> Agent:
    """Adds or changes an agent. Raises UserError on an unknown shift, no name, or no capacity."""
    agreements_of(store.settings).calendar(agent.shift)
    if not agent.name.strip() or len(agent.name) > 200 or not 1 <= agent.capacity <= 10_000:
        raise UserError("an agent needs a name and a capacity of 1 to 10,000 tickets", where=agent.name[:40])
    names = ("name", "full_name", "team", "shift", "capacity", "away")
    row: dict[str, Any] = {name: getattr(agent, name) for name in names if getattr(agent, name) != ""}
    row |= {"skills": list(agent.skills), "languages": list(agent.languages)}
    document = {"event": {"ingested": iso(store.clock())}, "agent": row}
    store.modify("agent", agent.name, lambda _: document, create=lambda: document)
    store.refresh("agent")
    return agent


def loads_of(store: Store) -> dict[str, int]:
    """Tickets in hand (new and open) by agent."""
    store.refresh("ticket")
    groups = {"agents": {"terms": {"field": "ticket.assignee", "size": MOST}}}
    answer = store.search("ticket", query={"terms": {"ticket.state": list(_LIVE)}}, size=0, aggs=groups)
    return {row["key"]: row["doc_count"] for row in answer.get("aggregations", {}).get("agents", {}).get("buckets", [])}
