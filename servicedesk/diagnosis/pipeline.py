"""What is wrong with a customer's service: who → what they have → sessions → places → incidents → account → causes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from contracts.settings import Settings
from infrastructure.store import Store
from kpis.catalogue import Service, services
from servicedesk import billing
from servicedesk.diagnosis.causes import Findings, causes_of
from servicedesk.diagnosis.comparing import Asked, compared, compared_cell
from servicedesk.diagnosis.model import Account, Comparison, Diagnosis, Session, Touching
from servicedesk.diagnosis.rights import missing_parts
from servicedesk.diagnosis.said import Said
from servicedesk.diagnosis.sessions import last_sessions
from servicedesk.diagnosis.touching import incidents_of, tickets_of
from servicedesk.profiles import Customer, find_customer
from servicedesk.subscriptions import Subscription, subscriptions_of

LOOKED_BACK = timedelta(days=14)
_LATE = timedelta(hours=6)  # records of a service behind by this much: what is missing says nothing
_MOST_PLACES = 12
_MOST_CELLS = 2
_services = cache(services)
_T = TypeVar("_T")


class _Asking:
    """Asks what the person may read; what they may not is named in `missing` and counts as nothing found."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing

    def __call__(self, part: str, ask: Callable[[], _T], nothing: Callable[[], _T]) -> _T:
        return nothing() if part in self.missing else ask()


def diagnose(store: Store, settings: Settings, who: str, now: datetime) -> Diagnosis:
    """What is wrong with the service of `who` (customer id, MSISDN, e-mail address) as of `now`.

    Of a number that is asked for, only that number's sessions are looked at. Reads through `store`, so as whoever it acts
    for: what they may not read is named in `missing`. Raises UserError when there is no such customer.
    """
    began = time.perf_counter()
    customer, key = find_customer(store, who)
    asking = _Asking(missing_parts(store))
    subscriptions = asking("subscriptions", lambda: subscriptions_of(store, customer), list[Subscription])
    if key:
        subscriptions = [one for one in subscriptions if one.key in (key, "")]
    keys = [key] if key else sorted({*customer.keys, *(one.key for one in subscriptions if one.key)})
    sessions = asking(
        "sessions",
        lambda: last_sessions(store, settings, _services().values(), keys, now - LOOKED_BACK, now),
        list[Session],
    )
    bad_at = next((one.at for one in sessions if one.went_badly), None)
    focus = bad_at or (sessions[0].at if sessions else now)
    places = _places(sessions, subscriptions)
    comparisons = asking("figures", lambda: _compared(store, settings, places, sessions, focus), list[Comparison])
    used = {one.service for one in sessions} | {name for one in subscriptions for name in one.services}
    named = {asked.entity for asked in places} | {entity for one in sessions if one.went_badly for entity in one.said}
    incidents = asking("incidents", lambda: incidents_of(store, named, used, bad_at, now), list[Touching])
    tickets = asking("tickets", lambda: tickets_of(store, customer.id, [one.id for one in incidents]), dict[str, str])
    account = asking("billing", lambda: _account(store, customer, subscriptions, now), lambda: Account(customer.status))
    late = asking("sessions", lambda: _late(store, sessions, used, now), dict[str, datetime])
    seen = "sessions" not in asking.missing
    findings = Findings(sessions, comparisons, incidents, tickets, account, late, now, seen)
    return Diagnosis(
        customer_id=customer.id,
        name=customer.name,
        asked=who,
        at=now,
        subscriptions=tuple(subscriptions),
        sessions=tuple(sessions),
        comparisons=tuple(comparisons),
        incidents=tuple(incidents),
        tickets=tuple(tickets),
        account=account,
        causes=causes_of(findings),
        missing=asking.missing,
        took_ms=round(1000 * (time.perf_counter() - began), 1),
    )


def _places(sessions: Sequence[Session], subscriptions: Sequence[Subscription]) -> list[Asked]:
    """Where bad sessions went, then what serves the subscriptions, then where the others went."""
    bad = [one for one in sessions if one.went_badly]
    through = [Asked(one.service, entity) for one in (*bad, *sessions) for entity in one.places]
    serving = [
        Asked(service, entity)
        for one in subscriptions
        for service in one.services
        for entity in one.serving
        if entity.type != "service" or entity.id == service
    ]
    wanted = [*through[: len([entity for one in bad for entity in one.places])], *serving, *through]
    return list(dict.fromkeys(wanted))[:_MOST_PLACES]


def _compared(
    store: Store, settings: Settings, places: Sequence[Asked], sessions: Sequence[Session], focus: datetime
) -> list[Comparison]:
    found = compared(store, settings, places, focus)
    cells = dict.fromkeys(
        (_services()[one.service].source, one.cell) for one in sessions if one.went_badly and one.cell
    )
    for source, cell in list(cells)[:_MOST_CELLS]:
        one = compared_cell(store, source, cell, focus)
        if one is not None:
            found.append(one)
    return found


def _account(store: Store, customer: Customer, subscriptions: Sequence[Subscription], now: datetime) -> Account:
    late = billing.overdue(store, customer.id, now)
    return Account(
        status=customer.status,
        suspended=tuple(one.id for one in subscriptions if one.status != "active"),
        overdue=tuple(
            Said(
                "%(id)s of %(amount)s, due %(day)s",
                id=one.id,
                amount=f"{one.amount} {one.currency}",
                day=f"{one.due:%Y-%m-%d}",
            )
            for one in late
        ),
        owed=billing.owed_words(billing.balance(store, customer.id)),
    )


def _late(store: Store, sessions: Sequence[Session], used: set[str], now: datetime) -> dict[str, datetime]:
    """Services of theirs whose newest record of anybody is old; asked only where nothing of theirs is new."""
    if sessions and now - sessions[0].at < _LATE:
        return {}
    found = {}
    for name in sorted(used & _services().keys()):
        newest = _newest(store, _services()[name], now)
        if newest is not None and now - newest > _LATE:
            found[name] = newest
    return found


def _newest(store: Store, service: Service, now: datetime) -> datetime | None:
    query = {"range": {"@timestamp": {"lte": now.isoformat()}}}
    order = [{"@timestamp": "desc"}]
    answer = store.search(
        service.source, query=query, size=1, sort=order, track_total_hits=False, _source=["@timestamp"]
    )
    hits = answer["hits"]["hits"]
    return datetime.fromisoformat(hits[0]["_source"]["@timestamp"]) if hits else None
