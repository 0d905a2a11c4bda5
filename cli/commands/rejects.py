"""`busyhour rejects`: suspended lines, and what can be done about them."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError
from mediation.suspense import STATES, USAGE_STATUS, Selection, SuspenseReport, state_of
from mediation.suspense import discard as discard_rejects
from mediation.suspense import retry as retry_rejects
from mediation.suspense.export import as_csv, as_ndjson, rows

_WHOLE_ID = 32


def _selecting(state: str) -> Callable[[Any], Any]:
    """Options that say which rejects; `state`: the default."""
    options = (
        click.option("--reason", default="", help="Only this reason code, such as bad_time or column_count."),
        click.option("--file", "file_part", default="", help="Only files whose path contains this text."),
        click.option("--layout", default="", help="Only lines of this layout."),
        click.option("--service", default="", help="Only lines of this service."),
        click.option("--since", help="Only lines first suspended from this time on (UTC)."),
        click.option("--until", help="Only lines first suspended before this time (UTC)."),
        click.option(
            "--state", type=click.Choice([*STATES, "any"]), default=state, show_default=True, help="Only these."
        ),
    )

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _selection(given: dict[str, Any], ids: tuple[str, ...] = ()) -> Selection:
    """From the options; takes them out of `given`."""
    since, until, state = given.pop("since"), given.pop("until"), given.pop("state")
    return Selection(
        ids=ids,
        reason=given.pop("reason"),
        file=given.pop("file_part"),
        layout=given.pop("layout"),
        service=given.pop("service"),
        since=moment(since, datetime.min) if since else None,
        until=moment(until, datetime.min) if until else None,
        state="" if state == "any" else state,
    )


@click.group(epilog=examples("busyhour rejects list --reason bad_time", "busyhour rejects retry --layout sms-busyhour"))
def rejects() -> None:
    """Lines that are not records: where they came from, what is wrong with them, and what became of them since."""


@rejects.command(
    "list", epilog=examples("busyhour rejects list", "busyhour rejects list --file lon-sbc --limit 20 --json")
)
@_selecting("suspended")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, /, limit: int, as_json: bool, **given: Any) -> None:
    """List suspended lines, newest first."""
    query = _selection(given).query()
    found = context.store.search("cdr-reject", query=query, size=limit, sort=[{"event.ingested": "desc"}])
    hits = [{"id": hit["_id"], **hit["_source"]} for hit in found["hits"]["hits"]]
    if as_json:
        emit_json({"rejects": hits})
        return
    table = [
        [
            hit["id"][:8],
            hit["reject"]["reason"],
            hit["reject"].get("column", ""),
            f"{hit['log']['file']['path']}:{hit['log'].get('line', hit['log'].get('offset', '?'))}",
            hit["reject"].get("detail", ""),
        ]
        for hit in hits
    ]
    emit_table(("id", "reason", "column", "file and line", "what is wrong"), table, empty="no such lines")
    total = found["hits"].get("total", {}).get("value", len(hits))
    if total > len(hits):
        click.echo(f"… and {total - len(hits):,} more")


@rejects.command(epilog=examples("busyhour rejects show 3f2a91c0"))
@click.argument("reject_id", metavar="ID")
@json_option
@pass_context
def show(context: Context, reject_id: str, as_json: bool) -> None:
    """Show one line whole; the first characters of its id are enough."""
    (key,) = _whole_ids(context, (reject_id,))
    document = context.store.get("cdr-reject", key)
    if document is None:
        raise UserError(f"no reject has the id {key}", remedy="`busyhour rejects list`")
    source, state = document.source, state_of(document.source)
    if as_json:
        emit_json({"id": key, "usage_status": USAGE_STATUS[state], **source})
        return
    reject = source["reject"]
    emit_pairs(
        {
            "id": key,
            "file": f"{source['log']['file']['path']}:{source['log'].get('line', '?')}",
            "offset": source["log"].get("offset"),
            "layout": source.get("cdr", {}).get("layout"),
            "reason": reject["reason"],
            "column": reject.get("column", ""),
            "what is wrong": reject.get("detail", ""),
            "state": f"{state} (TMF635: {USAGE_STATUS[state]})",
            "moved": " ".join(str(reject[name]) for name in ("moved", "by", "became", "why") if name in reject),
            "line": reject.get("raw", ""),
        }
    )


@rejects.command(
    epilog=examples(
        "busyhour rejects retry --layout sms-busyhour --reason bad_number",
        "busyhour rejects retry 3f2a91c0",
        "busyhour rejects retry --file undated.csv --start 2026-01-01T00:00:00 --rate 120/h",
    )
)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_selecting("suspended")
@click.option("--start", help="Time of the lowest record number of each file, for layouts without a time (UTC).")
@click.option("--rate", help="Their pace, such as 120/h or 2/min.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who asks.")
@json_option
@pass_context
def retry(
    context: Context, /, ids: tuple[str, ...], start: str | None, rate: str | None, by: str, as_json: bool, **given: Any
) -> None:
    """Mediate suspended lines again, as the layouts are now. What becomes a record is recycled; the rest stays.

    Without ID and options: all of them. Exit 1 when a line cannot be mediated again from what was kept of it.
    """
    selection = _selection(given, _whole_ids(context, ids))
    report = retry_rejects(context.store, selection, by=by, start=start, rate=rate)
    _show(report, as_json)
    if report.unfit:
        raise SystemExit(1)


@rejects.command(
    epilog=examples(
        'busyhour rejects discard --file test-calls --why "test traffic"', 'busyhour rejects discard 3f2a --why "…"'
    )
)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_selecting("suspended")
@click.option("--why", required=True, help="Why, in words; kept with each line.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who gives them up.")
@click.option("--all", "everything", is_flag=True, help="Really all of them, where nothing else says which.")
@json_option
@pass_context
def discard(
    context: Context, /, ids: tuple[str, ...], why: str, by: str, everything: bool, as_json: bool, **given: Any
) -> None:
    """Give suspended lines up. They stay in the store, in the state discarded."""
    selection = _selection(given, _whole_ids(context, ids))
    if selection == Selection(state=selection.state) and not everything:
        raise UserError("no ID and no option says which lines", remedy="say which, or --all")
    _show(discard_rejects(context.store, selection, by=by, why=why), as_json)


@rejects.command(
    epilog=examples(
        "busyhour rejects export --reason bad_time --out bad.ndjson", "busyhour rejects export --format csv"
    )
)
@_selecting("suspended")
@click.option("--format", "form", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; stdout unless given.")
@click.option("--raw", is_flag=True, help="The raw lines alone, as they came.")
@json_option
@pass_context
def export(context: Context, /, form: str, out: Path | None, raw: bool, as_json: bool, **given: Any) -> None:
    """Write raw lines with their reasons, in order of file and offset. --json counts them (with --out)."""
    if as_json and out is None:
        raise UserError("stdout cannot hold both", where="--json", remedy="give --out FILE")
    found = rows(context.store, _selection(given))
    lines = (f"{row['raw']}\n" for row in found) if raw else as_csv(found) if form == "csv" else as_ndjson(found)
    if out is None:
        for line in lines:
            click.echo(line, nl=False)
        return
    with out.open("w", encoding="utf-8", newline="") as stream:
        count = _written(stream, lines)
    if as_json:
        emit_json({"file": str(out), "rejects": count})
    else:
        say(f"{count:,} lines in {out}")


def _written(stream: TextIO, lines: Any) -> int:
    count = 0
    for line in lines:
        stream.write(line)
        count += 1
    return count


def _whole_ids(context: Context, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Whole ids of what may be their beginnings. Raises UserError when one is of none, or of several."""
    short = [part for part in ids if len(part) < _WHOLE_ID]
    known = [str(hit["_id"]) for hit in context.store.scan("cdr-reject", fields=[])] if short else []
    whole = []
    for part in ids:
        found = [key for key in known if key.startswith(part)] if len(part) < _WHOLE_ID else [part]
        if len(found) != 1:
            raise UserError(
                f"{len(found)} rejects have an id that starts with {part!r}", remedy="`busyhour rejects list`"
            )
        whole += found
    return tuple(whole)


def _show(report: SuspenseReport, as_json: bool) -> None:
    if as_json:
        emit_json(report.as_dict())
        return
    click.echo(
        f"{report.selected:,} lines = {report.recycled:,} recycled ({report.indexed:,} indexed, {report.duplicate:,} duplicate)"
        f" + {report.discarded:,} discarded + {report.suspended:,} suspended; {report.files:,} rows of the ledger changed"
    )
    for reason, count in sorted(report.reasons.items()):
        click.echo(f"  {count:,} still {reason}")
    for why, count in sorted(report.unfit.items()):
        click.echo(f"  {count:,} cannot be mediated again: {why}")
