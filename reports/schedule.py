"""Which reports are due by mail: of the last whole day, ISO week or month (UTC), to each target that kpi.report.mail names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from contracts.errors import BusyhourError, SettingError, StoreUnavailable
from contracts.settings import Settings
from infrastructure.store import Store
from reports.content import Content
from reports.mailing import booked, send

PERIODS = ("day", "week", "month")
SETTING = "kpi.report.mail"
TITLE = "KPI report"
AGAIN = timedelta(hours=1)  # after a mail server's no: making a report takes seconds of everybody's time
Gather = Callable[[datetime, datetime, str], Content]


class Wanted(NamedTuple):
    """A target of alert.notify.file, and how often it gets the report."""

    to: str
    period: str


def wanted(settings: Settings) -> list[Wanted]:
    """`board:week, noc:day`. Raises SettingError on what is none."""
    found = []
    for text in filter(None, (part.strip() for part in settings.text(SETTING).split(","))):
        to, _, period = text.partition(":")
        if not to.strip() or period.strip() not in PERIODS:
            what = f"{text[:60]!r} is not TARGET:PERIOD"
            raise SettingError(what, where=SETTING, remedy=f"write it as board:week; periods are {', '.join(PERIODS)}")
        found.append(Wanted(to.strip(), period.strip()))
    return found


def last_whole(period: str, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the last day, ISO week or month that is over."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return today - timedelta(days=1), today
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(weeks=1), monday
    first = today.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), first


class Postman:
    """Sends what is due. One a process: it remembers whom it could not reach, and tries an hour later."""

    def __init__(self, store: Store, gather: Gather) -> None:
        self._store, self._gather = store, gather
        self._not_before: dict[Wanted, datetime] = {}

    def send_due(self, now: datetime) -> tuple[list[str], list[str]]:
        """Targets that got a report, and one line for each that did not. Raises SettingError, StoreUnavailable."""
        sent, problems = [], []
        for each in wanted(self._store.settings):
            start, end = last_whole(each.period, now)
            title = f"{TITLE} of the {each.period}"
            if now < self._not_before.get(each, now) or booked(self._store, each.to, title, start, end):
                continue
            try:
                if send(self._store, self._gather(start, end, title), each.to):
                    sent.append(each.to)
            except StoreUnavailable:
                raise
            except BusyhourError as error:
                self._not_before[each] = now + AGAIN
                problems.append(f"report to {each.to}: {error.sentence()}")
        return sent, problems
