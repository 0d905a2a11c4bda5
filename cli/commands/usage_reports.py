"""`busyhour usage report`: every report as a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cli.context import Context, examples, pass_context
from cli.usage_options import open_usage, period_of, period_options, zone_of
from usage.analytics.activity import STATES
from usage.analytics.peak_hours import BY as DIVISIONS
from usage.analytics.pipeline import LIMIT, Wanted
from usage.analytics.pipeline import report as make_report
from usage.analytics.top import BY as MEASURES
from usage.analytics.trend import STEPS
from usage.render import FORMATS, render
from usage.tariffs import load_tariffs


@click.group(epilog=examples("busyhour usage report network", "busyhour usage report top --by data --format csv"))
def report() -> None:
    """Reports of the usage store: any period, any time zone, as table, CSV, JSON or Markdown."""


def _reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every report."""
    as_json = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
    form = click.option(
        "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How it looks."
    )
    return period_options(form(as_json(command)))


def _limited(command: Callable[..., Any]) -> Callable[..., Any]:
    most = click.IntRange(1, 100_000)
    return click.option("--limit", type=most, default=LIMIT, show_default=True, help="So many rows at most.")(command)


def _show(context: Context, name: str, wanted: Wanted, shared: dict[str, Any]) -> None:
    zone, tariffs = zone_of(context, shared["timezone"]), load_tariffs(context.settings)
    with open_usage(context) as store:
        period = period_of(store, zone, shared["since"], shared["until"])
        text = render(
            make_report(store, name, period, tariffs, wanted), "json" if shared["as_json"] else shared["form"]
        )
    click.echo(text, nl=False)


@report.command(
    epilog=examples(
        "busyhour usage report customer C0000001 --from 2026-11-01",
        "busyhour usage report customer --limit 100 --format csv",
    )
)
@click.argument("customer_id", metavar="[CUSTOMER]", required=False, default="")
@click.option("--after", default="", metavar="CUSTOMER", help="Without CUSTOMER: go on behind this one.")
@_limited
@_reporting
@pass_context
def customer(context: Context, /, customer_id: str, after: str, limit: int, **shared: Any) -> None:
    """Calls, minutes, SMS and data of one customer with their price, or one row a customer."""
    _show(context, "customer", Wanted(customer=customer_id, limit=limit, after=after), shared)


@report.command(epilog=examples("busyhour usage report network --from 2026-11-01 --to 2026-12-01 --format markdown"))
@_reporting
@pass_context
def network(context: Context, /, **shared: Any) -> None:
    """Totals of the network, beside the period before; the busiest hour."""
    _show(context, "network", Wanted(), shared)


@report.command(
    "peak-hours", epilog=examples("busyhour usage report peak-hours --by hour-of-week --timezone Europe/Berlin")
)
@click.option("--by", type=click.Choice(DIVISIONS), default="hour", show_default=True, help="How the time is divided.")
@click.option("--customer", default="", metavar="CUSTOMER", help="Of this customer only.")
@_reporting
@pass_context
def peak_hours(context: Context, /, by: str, customer: str, **shared: Any) -> None:
    """When usage is high, by hour of day, weekday or hour of week."""
    _show(context, "peak-hours", Wanted(by=by, customer=customer), shared)


@report.command(epilog=examples("busyhour usage report revenue --from 2026-11-01 --json"))
@_reporting
@pass_context
def revenue(context: Context, /, **shared: Any) -> None:
    """Revenue by plan and stream (voice, SMS, data, roaming) by the tariff table (setting usage.tariffs)."""
    _show(context, "revenue", Wanted(), shared)


@report.command(epilog=examples("busyhour usage report top --by data --limit 10"))
@click.option("--by", type=click.Choice(tuple(MEASURES)), default="calls", show_default=True, help="What is compared.")
@_limited
@_reporting
@pass_context
def top(context: Context, /, by: str, limit: int, **shared: Any) -> None:
    """The customers who use most."""
    _show(context, "top", Wanted(by=by, limit=limit), shared)


@report.command(epilog=examples("busyhour usage report trend --by week --from 2026-09-01"))
@click.option("--by", type=click.Choice(STEPS), default="day", show_default=True, help="Length of a step.")
@_reporting
@pass_context
def trend(context: Context, /, by: str, **shared: Any) -> None:
    """How usage goes, by day, week or month."""
    _show(context, "trend", Wanted(by=by), shared)


@report.command(epilog=examples("busyhour usage report plans"))
@_reporting
@pass_context
def plans(context: Context, /, **shared: Any) -> None:
    """Share of customers and usage by plan."""
    _show(context, "plans", Wanted(), shared)


@report.command(
    epilog=examples("busyhour usage report activity", "busyhour usage report activity --state silent --limit 100")
)
@click.option("--state", type=click.Choice(STATES), help="Only these; default: at risk and silent.")
@_limited
@_reporting
@pass_context
def activity(context: Context, /, state: str | None, limit: int, **shared: Any) -> None:
    """Active customers, and those who may leave: silent, or under half of what they used in the period before."""
    _show(context, "activity", Wanted(state=state or "", limit=limit), shared)
