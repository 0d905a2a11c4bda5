"""The desk's report over a period: counted by Elasticsearch (ES|QL) from tickets and answers to surveys, never averaged twice.

What is counted when: opened by opening; responded by the first response; resolved, reopened and solution in time by the
resolution; answers to surveys by the answer. So a day's figures are of what happened that day (UTC). Medians and shares of
each grouping are asked for anew, since neither adds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from contracts.clock import iso
from contracts.errors import UserError
from infrastructure.store import Store

NOBODY = "(nobody)"
_LIVE = ("new", "open", "pending")
_MOST_REASONS = 50


@dataclass(slots=True)
class Figures:
    """Figures of one group. Times in seconds, medians over the tickets; shares 0–1, None where nothing was to be met.

    `per_day`: tickets resolved a day. `satisfaction`: mean of the answers, 1–5; `satisfied`: share of answers of 4 and 5.
    """

    group: str
    opened: int = 0
    responded: int = 0
    first_response_sec: float | None = None
    first_response_in_time: float | None = None
    resolved: int = 0
    resolution_sec: float | None = None
    solution_in_time: float | None = None
    reopened: int = 0
    reopen_share: float | None = None
    per_day: float = 0.0
    answers: int = 0
    satisfaction: float | None = None
    satisfied: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why customers came: category of the ticket and the channel it came by."""

    category: str
    channel: str
    opened: int


@dataclass(slots=True)
class Report:
    """`start` ≤ t < `end`. `backlog`: tickets that are live now, by state."""

    start: datetime
    end: datetime
    total: Figures
    days: list[Figures] = field(default_factory=list)
    teams: list[Figures] = field(default_factory=list)
    agents: list[Figures] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    backlog: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "start": iso(self.start), "end": iso(self.end)}


def report(store: Store, start: datetime, end: datetime) -> Report:
    """Raises UserError unless start is before end."""
    if start >= end:
        raise UserError(f"the period from {iso(start)} to {iso(end)} is empty", remedy="give an earlier start")
    store.refresh("ticket", "interaction")
    days = max((end - start).total_seconds() / 86400, 1.0)

    def figures(ticket: str, answer: str, *, daily: bool = False) -> list[Figures]:
        return _figures(store, (start, end), (ticket, answer), 1.0 if daily else days)

    total = figures('"all"', '"all"')
    return Report(
        start,
        end,
        total[0] if total else Figures("all"),
        figures('DATE_FORMAT("yyyy-MM-dd", {time})', 'DATE_FORMAT("yyyy-MM-dd", {time})', daily=True),
        figures(_named("ticket.team"), _named("survey.team")),
        figures(_named("ticket.assignee"), _named("survey.agent")),
        _reasons(store, start, end),
        _backlog(store),
    )


def _named(name: str) -> str:
    return f'COALESCE({name}, "{NOBODY}")'


def _figures(store: Store, span: tuple[datetime, datetime], by: tuple[str, str], days: float) -> list[Figures]:
    found: dict[str, Figures] = {}

    def asked(query: str, time: str, group: str) -> list[dict[str, Any]]:
        where = f"WHERE {time} >= TO_DATETIME(?) AND {time} < TO_DATETIME(?)"
        text = query.replace("{where}", where).replace("{group}", group.replace("{time}", time))
        table = store.esql(text.replace("{time}", time), list(span))
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    def of(row: Mapping[str, Any]) -> Figures:
        return found.setdefault(row["name"], Figures(row["name"]))

    for row in asked(_OPENED, "@timestamp", by[0]):
        of(row).opened = row["opened"]
    for row in asked(_RESPONDED, "ticket.responded", by[0]):
        one = of(row)
        one.responded, one.first_response_sec = row["responded"], row["median"]
        one.first_response_in_time = _share(row["met"], row["owed"])
    for row in asked(_RESOLVED, "ticket.resolved", by[0]):
        one = of(row)
        one.resolved, one.resolution_sec, one.reopened = row["resolved"], row["median"], row["reopened"]
        one.solution_in_time, one.reopen_share = (
            _share(row["met"], row["owed"]),
            _share(row["reopened"], row["resolved"]),
        )
        one.per_day = row["resolved"] / days
    for row in asked(_ANSWERED, "@timestamp", by[1]):
        one = of(row)
        one.answers, one.satisfaction = row["answers"], row["mean"]
        one.satisfied = _share(row["satisfied"], row["answers"])
    return [found[name] for name in sorted(found)]


_OPENED = "FROM ticket | {where} | STATS opened = COUNT(*) BY name = {group}"
_TIMES = """FROM ticket | {where}
| EVAL seconds = (TO_LONG({time}) - TO_LONG(@timestamp)) / 1000.0
| STATS {count} = COUNT(*), median = MEDIAN(seconds), owed = COUNT(ticket.sla.{promise}.done),
        met = COUNT(ticket.sla.{promise}.done) WHERE NOT ticket.sla.{promise}.breached{more}
  BY name = {group}"""
_RESPONDED = _TIMES.replace("{count}", "responded").replace("{promise}", "first_response").replace("{more}", "")
_RESOLVED = (
    _TIMES.replace("{count}", "resolved")
    .replace("{promise}", "solution")
    .replace("{more}", ", reopened = COUNT(*) WHERE ticket.reopened > 0")
)
_ANSWERED = """FROM interaction | {where} AND interaction.channel == "survey"
| STATS answers = COUNT(survey.score), mean = AVG(survey.score), satisfied = COUNT(*) WHERE survey.score >= 4
  BY name = {group}"""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _reasons(store: Store, start: datetime, end: datetime) -> list[Reason]:
    table = store.esql(
        "FROM ticket | WHERE @timestamp >= TO_DATETIME(?) AND @timestamp < TO_DATETIME(?) "
        f"| STATS opened = COUNT(*) BY category = {_named('ticket.category')}, "
        'channel = COALESCE(ticket.channel, "(unknown)") '
        f"| SORT opened DESC, category, channel | LIMIT {_MOST_REASONS} | KEEP category, channel, opened",
        [start, end],
    )
    return [Reason(*row) for row in table.rows]


def _backlog(store: Store) -> dict[str, int]:
    live = ", ".join(f'"{state}"' for state in _LIVE)
    table = store.esql(
        f"FROM ticket | WHERE ticket.state IN ({live}) | STATS tickets = COUNT(*) BY state = ticket.state "
        "| SORT state | KEEP state, tickets"
    )
    found = dict(table.rows)
    return {state: int(found.get(state, 0)) for state in _LIVE}
