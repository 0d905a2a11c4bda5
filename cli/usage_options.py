"""What the usage commands share: the store, the period, the zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.context import Context, say
from contracts.errors import UserError
from usage.analytics.period import Period
from usage.engine import UsageStore
from usage.migrate import check_set_up
from usage.text import parse_moment

USUAL_DAYS = 30


@contextmanager
def open_usage(context: Context) -> Iterator[UsageStore]:
    """The usage store, set up, closed at the end."""
    store = UsageStore.open(context.settings, say=say)
    try:
        check_set_up(store)
        yield store
    finally:
        store.close()


def zone_of(context: Context, name: str | None) -> ZoneInfo:
    """The zone of that name, else network.timezone. Raises UserError."""
    wanted = name or context.settings.text("network.timezone")
    try:
        return ZoneInfo(wanted)
    except (KeyError, ValueError, OSError):
        raise UserError(f"unknown time zone {wanted[:40]!r}", remedy="use an IANA name such as Europe/Berlin") from None


def period_of(store: UsageStore, zone: ZoneInfo, since: str | None, until: str | None) -> Period:
    """From the given times, else the last 30 days up to now, whole local days at their start. Raises UserError."""
    now = store.clock()
    end = moment_of(until, zone, now) if until else now
    if since:
        return Period.of(moment_of(since, zone, now), end, zone)
    first = (end.astimezone(zone) - timedelta(days=USUAL_DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period.of(first, end, zone)


def moment_of(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        return parse_moment(text, zone, now)
    except ValueError as error:
        raise UserError(str(error)) from None


def period_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--from, --to, --timezone, as `since`, `until`, `timezone`."""
    zone = click.option(
        "--timezone", metavar="ZONE", help="IANA zone of times, days and hours; default: network.timezone."
    )
    until = click.option("--to", "until", metavar="TIME", help="Up to this time, which is not in it; default: now.")
    since = click.option(
        "--from", "since", metavar="TIME", help=f"From this time; default: {USUAL_DAYS} days before the end."
    )
    return since(until(zone(command)))
