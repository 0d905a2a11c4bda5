"""`busyhour desk`: how the service desk does."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import timedelta

import click

from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import floor_to, iso
from servicedesk import run_desk
from servicedesk.analytics import Figures, Report, write_backlog
from servicedesk.analytics import report as make_report
from servicedesk.channels.pipeline import Channels

_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91}
_NAMES = tuple(each.name for each in fields(Figures))
_SHOWN = ("opened", "resolved", "first_response_sec", "first_response_in_time", "resolution_sec", "solution_in_time")


@click.group(epilog=examples("busyhour desk report --period week"))
def desk() -> None:
    """The service desk's own figures: response and resolution times, promises kept, satisfaction, backlog."""


@desk.command(epilog=examples("busyhour desk report --period week --format csv", "busyhour desk report --json"))
@click.option(
    "--period", type=click.Choice(tuple(_DAYS)), default="week", show_default=True, help="Length, up to --until."
)
@click.option("--until", help="Up to this time (UTC); now by default.")
@click.option(
    "--format", "form", type=click.Choice(("table", "csv", "json")), default="table", show_default=True, help="How."
)
@json_option
@pass_context
def report(context: Context, period: str, until: str | None, form: str, as_json: bool) -> None:
    """Report a period: in all, by day (UTC), team and agent, and why customers came."""
    end = moment(until, context.store.clock())
    start = (
        floor_to(end - timedelta(days=_DAYS[period]), 86400) if until is None else end - timedelta(days=_DAYS[period])
    )
    found = make_report(context.store, start, end)
    if as_json or form == "json":
        emit_json(found.as_dict())
    elif form == "csv":
        _csv(found)
    else:
        _table(found)


def _groups(found: Report) -> Iterator[tuple[str, list[Figures]]]:
    yield "all", [found.total]
    yield "day", found.days
    yield "team", found.teams
    yield "agent", found.agents


def _csv(found: Report) -> None:
    """One row a group; values as they are: seconds, shares 0–1, empty where there is nothing to say."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("by", *_NAMES))
    for by, rows in _groups(found):
        for row in rows:
            writer.writerow((by, *(_cell(value) for value in asdict(row).values())))


def _cell(value: object) -> object:
    """A name that a spreadsheet would take for a formula is quoted, as OWASP has it."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _table(found: Report) -> None:
    click.echo(f"{iso(found.start)[:16]} to {iso(found.end)[:16]} UTC")
    headings = ("group", *_SHOWN, "reopen_share", "answers", "satisfaction")
    for by, rows in _groups(found):
        cells = [[each.group, *(_said(name, getattr(each, name)) for name in headings[1:])] for each in rows]
        emit_table(
            [by, *(name.replace("_", " ").removesuffix(" sec") for name in headings[1:])], cells, empty="nothing"
        )
    emit_table(
        ("category", "channel", "opened"), [[each.category, each.channel, each.opened] for each in found.reasons]
    )
    emit_pairs({f"backlog {state}": count for state, count in found.backlog.items()})


def _said(name: str, value: float | int | None) -> object:
    if value is None:
        return None
    if name.endswith("_sec"):
        return str(timedelta(seconds=round(value)))
    return f"{value:.0%}" if name.endswith(("_in_time", "_share")) else value


@desk.command(epilog=examples("busyhour desk run", "busyhour desk run --json"))
@json_option
@pass_context
def run(context: Context, as_json: bool) -> None:
    """One round: children of resolved parents and their customers, escalation, assignment of new tickets."""
    report = run_desk(context.store, Channels(context.store, context.store.clock).tell)
    if as_json:
        emit_json(asdict(report))
    else:
        emit_pairs(asdict(report))
    if report.problems:
        raise click.exceptions.Exit(1)


@desk.command(epilog=examples("busyhour desk backlog"))
@json_option
@pass_context
def backlog(context: Context, as_json: bool) -> None:
    """Write how many tickets are live now as KPI points, by team, agent and priority."""
    written = write_backlog(context.store)
    if as_json:
        emit_json({"written": written})
    else:
        click.echo(f"{written} points of desk.backlog written")
