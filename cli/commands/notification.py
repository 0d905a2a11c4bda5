"""`busyhour notification`: what was told to whom, and what could not be delivered."""

from __future__ import annotations

from typing import Any

import click

from alerting import list_notifications, retry_notifications, send_notifications
from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError


@click.group(epilog=examples("busyhour notification list --status failed", "busyhour notification retry --all"))
def notification() -> None:
    """Notifications: pending, sent, and dead letters (failed), which can be sent again."""


@notification.command("list", epilog=examples("busyhour notification list --status failed --json"))
@click.option("--status", type=click.Choice(["pending", "sent", "failed"]), help="Only these; all without it.")
@click.option("--to", "target", default="", help="Only to this target.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Rows at most.")
@json_option
@pass_context
def list_(context: Context, status: str | None, target: str, limit: int, as_json: bool) -> None:
    """List notifications, newest first."""
    rows = list_notifications(context.store, status=status or "", to=target, limit=limit)
    if as_json:
        emit_json({"notifications": rows})
        return
    emit_table(("id", "of", "tells", "by", "to", "status", "tries", "detail"), [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[Any]:
    told, alert = row["notification"], row["alert"]
    return [
        row["id"][:12],
        row["@timestamp"][:16],
        f"{alert.get('name', '')} {alert['status']}",
        told["action"],
        told.get("to") or told["kind"],
        told["status"],
        told["attempts"],
        str(told.get("detail", ""))[:80],
    ]


@notification.command(
    epilog=examples("busyhour notification retry 3f2a91c0", "busyhour notification retry --all --to noc-mail")
)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--to", "target", default="", help="With --all: only to this target.")
@json_option
@pass_context
def retry(context: Context, ids: tuple[str, ...], everything: bool, target: str, as_json: bool) -> None:
    """Put dead letters back into the queue; the first characters of an id are enough."""
    if bool(ids) == everything:
        raise UserError("name notifications, or give --all", remedy="see `busyhour notification list --status failed`")
    count = retry_notifications(context.store, ids, to=target)
    if as_json:
        emit_json({"queued": count})
    else:
        click.echo(
            f"{count} notifications are in the queue again: the next `busyhour alert`, or `notification send`, sends them"
        )


@notification.command(epilog=examples("busyhour notification send", "busyhour notification send --json"))
@json_option
@pass_context
def send(context: Context, as_json: bool) -> None:
    """Send what is in the queue and due, without evaluating watches. Exit 1 when something could not be delivered."""
    tally = send_notifications(context.store)
    values = {"sent": tally.sent, "failed": tally.failed, "pending": tally.pending, "problems": tally.problems}
    if as_json:
        emit_json(values)
    else:
        emit_pairs(values)
    if tally.problems:
        raise SystemExit(1)
