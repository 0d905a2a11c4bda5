"""`busyhour watch`: what is watched, and what a watch would have said."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import click

from alerting import dry_run, load_watches
from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_table
from contracts.errors import UserError


@click.group(epilog=examples("busyhour watch list", "busyhour watch test incident-open --since 2026-11-01"))
def watch() -> None:
    """Watches: trigger, input, condition and actions, in Elasticsearch Watcher's schema."""


@watch.command("list", epilog=examples("busyhour watch list --json"))
@json_option
def list_(as_json: bool) -> None:
    """List the shipped watches."""
    found = load_watches()
    if as_json:
        rows = [
            {
                "watch": each.name,
                "every_sec": each.interval.total_seconds(),
                "actions": {action.name: action.kind for action in each.actions},
                "metadata": each.metadata,
            }
            for each in found
        ]
        emit_json({"watches": rows})
        return
    rows_shown = [
        [
            each.name,
            str(each.interval),
            ", ".join(f"{action.name} ({action.kind})" for action in each.actions),
            each.metadata.get("title", ""),
        ]
        for each in found
    ]
    emit_table(("watch", "every", "actions", "what it is for"), rows_shown)


@watch.command(epilog=examples("busyhour watch test incident-open --since 2026-11-01 --until 2026-11-08"))
@click.argument("name")
@click.option("--since", help="From this time (UTC); a week before --until by default.")
@click.option("--until", help="To this time (UTC); now by default.")
@json_option
@pass_context
def test(context: Context, name: str, since: str | None, until: str | None, as_json: bool) -> None:
    """Dry run over past time: what would have fired. Writes and tells nothing."""
    by_name = {each.name: each for each in load_watches()}
    if name not in by_name:
        raise UserError(f"unknown watch {name!r}", remedy=f"one of {', '.join(by_name)}")
    end: datetime = moment(until, context.store.clock())
    fired = dry_run(context.store, by_name[name], moment(since, end - timedelta(days=7)), end)
    if as_json:
        emit_json({"would_have_fired": [asdict(each) for each in fired]})
        return
    rows = [
        [
            each.starts_at.isoformat()[:16],
            (each.ends_at.isoformat()[:16] if each.ends_at else ""),
            each.severity,
            each.summary,
        ]
        for each in fired
    ]
    emit_table(("from", "to", "severity", "what"), rows, empty="would not have fired")
