"""`busyhour watch`: what is asked of the data, and on what schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import click

from alerting import (
    AlertReport,
    Watch,
    WouldFire,
    acknowledge,
    all_watches,
    dry_run,
    list_alerts,
    run_watches,
    set_active,
    standing_of,
    watch_history,
)
from alerting.push import push_rules, push_watches
from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError
from datagen.definitions import nearest
from servicedesk import AlertTickets

_MOST_SHOWN = 5  # of what would have fired, in the sentence


@click.group(epilog=examples("busyhour watch list", "busyhour watch test incident-open --since 2026-11-01"))
def watch() -> None:
    """Watches: trigger, input, condition and actions, in Elasticsearch Watcher's schema."""


def _named(context: Context, name: str) -> Watch:
    by_name = {each.name: each for each in all_watches(context.settings)}
    if name not in by_name:
        raise UserError(f"unknown watch {name[:40]!r}{nearest(name, by_name)}", remedy="see `busyhour watch list`")
    return by_name[name]


@watch.command("list", epilog=examples("busyhour watch list --json", "busyhour watch list --state"))
@click.option("--state", "with_state", is_flag=True, help="Also how each stands; asks Elasticsearch.")
@json_option
@pass_context
def list_(context: Context, with_state: bool, as_json: bool) -> None:
    """List the shipped watches and those of alert.watches.folder."""
    found = all_watches(context.settings)
    standing = standing_of(context.store) if with_state else {}
    if as_json:
        emit_json({"watches": [_row(each, standing.get(each.name, {})) for each in found]})
        return
    rows = [
        [
            each.name,
            each.schedule.text,
            ", ".join(f"{action.name} ({action.kind})" for action in each.actions),
            *(_state_words(standing.get(each.name, {})) if with_state else ()),
            each.metadata.get("purpose", ""),
        ]
        for each in found
    ]
    state = ("state", "last looked at") if with_state else ()
    emit_table(("watch", "when", "actions", *state, "what it is for"), rows)


def _row(each: Watch, standing: dict[str, Any]) -> dict[str, Any]:
    regular = each.schedule.regular
    return {
        "watch": each.name,
        "schedule": each.schedule.text,
        "every_sec": regular.total_seconds() if regular else None,
        "actions": {action.name: action.kind for action in each.actions},
        "metadata": each.metadata,
        **({"standing": standing} if standing else {}),
    }


def _state_words(standing: dict[str, Any]) -> tuple[str, str]:
    word = standing.get("state", "never looked at")
    return (word if standing.get("active", True) else f"off ({word})"), str(standing.get("checked", ""))[:16]


@watch.command(epilog=examples("busyhour watch show incident-open", "busyhour watch show disk-full --json"))
@click.argument("name")
@json_option
@pass_context
def show(context: Context, name: str, as_json: bool) -> None:
    """Show one watch: its definition, how it stands and why, and what fires by it."""
    found = _named(context, name)
    standing = standing_of(context.store).get(name, {})
    firing = [row for row in list_alerts(context.store, watch=name) if row["alert"]["status"] != "resolved"]
    if as_json:
        emit_json({**_row(found, standing), "standing": standing, "definition": found.content, "firing": firing})
        return
    values = {"watch": name, "when": found.schedule.text, "file": found.path, **standing}
    emit_pairs({key: value for key, value in values.items() if key != "name"})
    emit_table(("since", "status", "severity", "what"), [_alert(row) for row in firing], empty="nothing fires")


def _alert(row: dict[str, Any]) -> list[str]:
    alert = row["alert"]
    return [alert["starts_at"][:16], alert["status"], alert["severity"], alert["summary"]]


@watch.command(epilog=examples("busyhour watch test incident-open --since 2026-11-01 --until 2026-11-08"))
@click.argument("name")
@click.option("--since", help="From this time (UTC); a week before --until by default.")
@click.option("--until", help="To this time (UTC); now by default.")
@json_option
@pass_context
def test(context: Context, name: str, since: str | None, until: str | None, as_json: bool) -> None:
    """Dry run over past time: what would have fired. Writes and tells nothing."""
    found = _named(context, name)
    end: datetime = moment(until, context.store.clock())
    begin = moment(since, end - timedelta(days=7))
    if begin > end:
        raise UserError(f"the range ends ({end:%Y-%m-%d %H:%M}) before it starts ({begin:%Y-%m-%d %H:%M})")
    fired = dry_run(context.store, found, begin, end)
    said = _sentence(fired, begin, end)
    if as_json:
        emit_json({"times": len(fired), "sentence": said, "would_have_fired": [asdict(each) for each in fired]})
        return
    click.echo(said)
    if not fired:
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
    emit_table(("from", "to", "severity", "what"), rows)


def _sentence(fired: Sequence[WouldFire], begin: datetime, end: datetime) -> str:
    span = f"between {begin:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC"
    if not fired:
        return f"would not have fired {span}"
    shown = "; ".join(f"{each.starts_at:%a %d %b %H:%M} {each.summary}" for each in fired[:_MOST_SHOWN])
    more = f"; and {len(fired) - _MOST_SHOWN} more" if len(fired) > _MOST_SHOWN else ""
    times = "once" if len(fired) == 1 else f"{len(fired)} times"
    return f"would have fired {times} {span}: {shown}{more}"


@watch.command(epilog=examples("busyhour watch run disk-full", "busyhour watch run incident-open --json"))
@click.argument("name")
@json_option
@pass_context
def run(context: Context, name: str, as_json: bool) -> None:
    """Evaluate one watch now, whatever its schedule says and whether it is on, and do what it says."""
    found = _named(context, name)
    now = context.store.clock()
    at_once = replace(found, schedule=_Now())
    report: AlertReport = run_watches(
        context.store, since=now, until=now, watches=[at_once], opener=AlertTickets(context.store), forced=True
    )
    standing = standing_of(context.store).get(name, {})
    values = {**asdict(report), "state": standing.get("state", ""), "reason": standing.get("reason", "")}
    if as_json:
        emit_json(values)
    else:
        emit_pairs(_came_of(values))
        for problem in report.problems:
            say(f"busyhour: {problem}")
    if report.problems:
        raise SystemExit(1)


def _came_of(values: dict[str, Any]) -> dict[str, Any]:
    """How the watch stands and why first, then what was done; nothing of what did not happen."""
    counts = {name: values[name] for name in ("firing", "no_data", "fired", "resolved", "muted", "throttled", "left")}
    told = {name: values["notifications"][name] for name in ("sent", "failed", "pending")}
    shown = {"state": values["state"], "reason": values["reason"], "firing": counts.pop("firing"), **counts}
    return {name.replace("_", " "): one for name, one in shown.items() if one or name == "firing"} | (
        {"told": told} if any(told.values()) else {}
    )


class _Now:
    """A schedule that is due whenever it is asked."""

    regular: timedelta | None = None
    text = "now"

    def first(self, at: datetime) -> datetime | None:
        return at

    def last(self, at: datetime) -> datetime | None:
        return at


@watch.command(epilog=examples('busyhour watch ack incident-open --by anna --why "carrier is on it"'))
@click.argument("name")
@click.option("--by", required=True, help="Who has it.")
@click.option("--why", default="", help="A word for the next shift.")
@json_option
@pass_context
def ack(context: Context, name: str, by: str, why: str, as_json: bool) -> None:
    """Acknowledge whatever fires by a watch: nobody is told of it again until it has resolved."""
    _named(context, name)
    rows = list_alerts(context.store, watch=name, limit=10_000)
    due = [row for row in rows if row["alert"]["status"] != "resolved" and not row["alert"]["acknowledged"]]
    for row in due:
        acknowledge(context.store, row["id"], by=by, why=why)
    context.store.refresh("alert")
    if as_json:
        emit_json({"watch": name, "acknowledged": [row["id"] for row in due]})
    else:
        click.echo(f"{len(due)} alerts acknowledged")


def _switch(context: Context, name: str, active: bool, by: str, why: str, as_json: bool) -> None:
    _named(context, name)
    kept = set_active(context.store, name, active, by=by, why=why, clock=context.store.clock)
    if as_json:
        emit_json(kept["watch"])
    else:
        click.echo(f"{name} is {'on' if active else 'off: nothing fires or resolves by it'}")


@watch.command(epilog=examples("busyhour watch activate fraud-sms-flood --by anna"))
@click.argument("name")
@click.option("--by", required=True, help="Who does it.")
@click.option("--why", default="", help="Why.")
@json_option
@pass_context
def activate(context: Context, name: str, by: str, why: str, as_json: bool) -> None:
    """Switch a watch on again."""
    _switch(context, name, True, by, why, as_json)


@watch.command(epilog=examples('busyhour watch deactivate fraud-sms-flood --by anna --why "no SMS here"'))
@click.argument("name")
@click.option("--by", required=True, help="Who does it.")
@click.option("--why", default="", help="Why: what the next shift reads.")
@json_option
@pass_context
def deactivate(context: Context, name: str, by: str, why: str, as_json: bool) -> None:
    """Switch a watch off. What fires by it stays as it is."""
    _switch(context, name, False, by, why, as_json)


@watch.command(
    "history", epilog=examples("busyhour watch history incident-open", "busyhour watch history disk-full --json")
)
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most.")
@json_option
@pass_context
def history_(context: Context, name: str, limit: int, as_json: bool) -> None:
    """Show how a watch changed its state, with reasons, and the alerts that it made."""
    _named(context, name)
    changes = watch_history(context.store, name, limit=limit)
    alerts = list_alerts(context.store, watch=name, limit=limit)
    if as_json:
        emit_json({"watch": name, "changes": changes, "alerts": alerts})
        return
    emit_table(
        ("at", "state", "by", "why"), [[row["at"][:16], row["state"], row["by"], row["reason"]] for row in changes]
    )
    emit_table(("since", "status", "severity", "what"), [_alert(row) for row in alerts], title="alerts")


@watch.command(
    epilog=examples("busyhour watch push --to kibana", "busyhour watch push --to watcher incident-open --json")
)
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option(
    "--to",
    "where",
    type=click.Choice(["auto", "watcher", "kibana"]),
    default="auto",
    show_default=True,
    help="auto: Watcher where the licence has it, else Kibana rules.",
)
@json_option
@pass_context
def push(context: Context, names: tuple[str, ...], where: str, as_json: bool) -> None:
    """Install watches into Watcher, or as Kibana rules. What these cannot express is refused, with the reason."""
    chosen = [_named(context, name) for name in names] or list(all_watches(context.settings))
    report = push_watches(context.store, chosen) if where != "kibana" else None
    if where == "watcher" and report is not None and not report.licensed:
        raise UserError(f"no Watcher here: {report.why}", remedy="use --to kibana")
    if report is None or (where == "auto" and not report.licensed):
        if report is not None:
            say(f"no Watcher here ({report.why}): Kibana rules instead")
        report = push_rules(context.settings, chosen)
    if as_json:
        emit_json(asdict(report))
    else:
        emit_table(
            ("watch", "where", "what became of it"),
            [[row.watch, report.where, row.why or row.outcome] for row in report.rows],
        )
    if any(row.outcome == "refused" for row in report.rows) and names:
        raise SystemExit(1)
