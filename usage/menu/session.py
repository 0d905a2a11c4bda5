"""What the menus share: the store, the zone, the tariffs, and how a period is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from usage.analytics.period import Period, local_midnight
from usage.engine import UsageStore
from usage.menu.screen import Screen
from usage.tariffs import TariffTable
from usage.text.moments import FORMS, parse_moment

_PERIODS = (
    "the last 7 days",
    "the last 30 days",
    "this month",
    "last month",
    "all of the last 12 months",
    "from … to …",
)


@dataclass(frozen=True, slots=True)
class Session:
    """One user at one console."""

    screen: Screen
    store: UsageStore
    zone: ZoneInfo
    tariffs: TariffTable
    key: bytes


def ask_period(session: Session) -> Period:
    """A span in the session's zone."""
    chosen = session.screen.choose(f"Period ({session.zone.key})", _PERIODS, default=1)
    now = session.store.clock()
    today = now.astimezone(session.zone).date()
    if chosen == len(_PERIODS) - 1:
        return _own_period(session)
    if chosen == 3:
        return _of(session, _month(today - timedelta(days=today.day)), _month(today))
    first = (today - timedelta(days=7), today - timedelta(days=30), _month(today), None, today - timedelta(days=365))[
        chosen
    ]
    return Period.of(local_midnight(first or today, session.zone), now + timedelta(seconds=1), session.zone)


def _month(day: date) -> date:
    return day.replace(day=1)


def _of(session: Session, first: date, last: date) -> Period:
    return Period.of(local_midnight(first, session.zone), local_midnight(last, session.zone), session.zone)


def _own_period(session: Session) -> Period:
    zone, now = session.zone, session.store.clock()
    start = session.screen.ask("From", lambda text: parse_moment(text, zone, now), hint=FORMS)

    def end(text: str) -> Period:
        moment = parse_moment(text, zone, now)
        if moment <= start:
            raise ValueError("the end is not after the start")
        return Period.of(start, moment, zone)

    return session.screen.ask("To, which is not in it", end, default="now")
