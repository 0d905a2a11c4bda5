"""`busyhour silence`: alerts that nobody is to be told of, for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from alerting import Silence, add_silence, expire_silence, list_silences
from alerting.durations import duration
from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_table
from contracts.clock import iso
from contracts.errors import UserError


@click.group(
    epilog=examples(
        'busyhour silence add service=voip --for 2h --by anna --comment "exchange of lon-sbc, CHG-1182"',
        "busyhour silence list",
    )
)
def silence() -> None:
    """Silences: alerts that match are kept and shown, but told to nobody until the silence ends."""


@silence.command(
    epilog=examples(
        'busyhour silence add service=voip --for 2h --by anna --comment "CHG-1182"',
        'busyhour silence add \'alertname=~"files-*"\' source=lon-sbc-1 --until 2026-11-22T06:00 --by anna --comment "no feed"',
    )
)
@click.argument("matchers", nargs=-1, required=True, metavar="MATCHER…")
@click.option("--since", help="When it begins (UTC); now by default.")
@click.option("--until", help="When it ends (UTC).")
@click.option("--for", "lasting", help="How long, such as 90m, 2h or 1d; instead of --until.")
@click.option("--by", required=True, help="Who silences.")
@click.option("--comment", required=True, help="Why: what the next shift reads.")
@json_option
@pass_context
def add(
    context: Context,
    matchers: tuple[str, ...],
    since: str | None,
    until: str | None,
    lasting: str | None,
    by: str,
    comment: str,
    as_json: bool,
) -> None:
    """Silence the alerts that all MATCHERs match: name=value, name!=value, name=~"a|b*", name!~"a|b*".

    Names are labels of an alert, alertname, severity, and what it touches: service, entity, kpi, folder.
    """
    if (until is None) == (lasting is None):
        raise click.UsageError("give either --until or --for")
    begins = moment(since, context.store.clock())
    made = add_silence(
        context.store, matchers, starts_at=begins, ends_at=_end(begins, until, lasting), by=by, comment=comment
    )
    _show(context, [made], as_json)


@silence.command("list", epilog=examples("busyhour silence list", "busyhour silence list --all --json"))
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@json_option
@pass_context
def list_(context: Context, everything: bool, as_json: bool) -> None:
    """List silences, the one that ends last first."""
    _show(context, list_silences(context.store, since=None if everything else context.store.clock()), as_json)


@silence.command(epilog=examples("busyhour silence expire 3f2a91c0 --by anna"))
@click.argument("silence_id", metavar="ID")
@click.option("--by", required=True, help="Who ends it.")
@json_option
@pass_context
def expire(context: Context, silence_id: str, by: str, as_json: bool) -> None:
    """End a silence now; the first characters of its id are enough. Alerts that still fire are told at the next run."""
    _show(context, [expire_silence(context.store, silence_id, by=by)], as_json)


def _end(begins: datetime, until: str | None, lasting: str | None) -> datetime:
    if lasting is None:
        return moment(until, begins)
    try:
        return begins + duration(lasting)
    except (ValueError, OverflowError) as error:
        raise UserError(str(error), where="--for", remedy="write it as 90m, 2h or 1d") from None


def _show(context: Context, found: list[Silence], as_json: bool) -> None:
    now = context.store.clock()
    if as_json:
        emit_json({"silences": [_row(each, now) for each in found]})
        return
    rows = [
        [
            each.id[:12],
            each.state(now),
            iso(each.starts_at)[:16],
            iso(each.ends_at)[:16],
            " ".join(map(str, each.matchers)),
            each.by,
            each.comment,
        ]
        for each in found
    ]
    emit_table(("id", "state", "from (UTC)", "to (UTC)", "alerts", "by", "why"), rows, empty="no silences")


def _row(each: Silence, now: datetime) -> dict[str, Any]:
    return {
        "id": each.id,
        "state": each.state(now),
        "matchers": [str(one) for one in each.matchers],
        "starts_at": iso(each.starts_at),
        "ends_at": iso(each.ends_at),
        "created_by": each.by,
        "comment": each.comment,
    }
