"""What the KPI commands share: the registry, entities, periods."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cli.context import Context, say
from cli.moments import moment
from contracts.clock import floor_to
from contracts.entities import Entity
from contracts.errors import StoreUnavailable, UserError
from kpis.tracking import Registry, Tracked, load
from kpis.tracking.registry import put_together, shipped

PERIODS = {"day": 1, "week": 7, "month": 28, "quarter": 91}
DAY_SEC = 86400


def registry_of(context: Context) -> Registry:
    """Raises StoreUnavailable; definitions that cannot be read are told."""
    found = load(context.store)
    for problem in found.problems:
        say(f"busyhour: a stored definition cannot be read: {problem}")
    return found


def registry_or_shipped(context: Context) -> Registry:
    """The shipped KPIs alone where Elasticsearch is away, which is told."""
    try:
        return registry_of(context)
    except StoreUnavailable as error:
        say(f"busyhour: only what is shipped: {error.what}")
        return put_together(shipped(context.settings), ())


def entity_of(text: str | None, tracked: Tracked) -> str:
    """The entity as typed, else the whole that a KPI is kept for. Raises UserError."""
    if text is None:
        kinds = tracked.dimensions
        if tracked.service and (not kinds or "service" in kinds):
            return f"service:{tracked.service}"
        return "network:all"
    try:
        return str(Entity.parse(text))
    except ValueError as error:
        raise UserError(str(error), where="--entity", remedy="write it as trunk_group:TG2") from None


def period_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--until", help="Up to this time (UTC); by default the end of the last whole day.")(command)
    command = click.option("--since", help="From this time (UTC), in place of --period.")(command)
    return click.option(
        "--period", type=click.Choice(tuple(PERIODS)), default="week", show_default=True, help="How long back."
    )(command)


def period_of(context: Context, period: str, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """start ≤ t < end, whole UTC days unless times were given. Raises UserError where the end is not after the start."""
    end = moment(until, floor_to(context.store.clock(), DAY_SEC))
    start = moment(since, end - timedelta(days=PERIODS[period]))
    if start >= end:
        raise UserError(f"the period ends ({end:%Y-%m-%d %H:%M}) before it starts ({start:%Y-%m-%d %H:%M})")
    if not datetime(2000, 1, 1, tzinfo=UTC) <= start < end <= datetime(2200, 1, 1, tzinfo=UTC):
        raise UserError(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is no period between 2000 and 2200")
    if end - start > timedelta(days=3660):
        raise UserError("the period is longer than ten years")
    return start, end
