"""`busyhour rejects`: suspended lines."""

from __future__ import annotations

from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError


@click.group(epilog=examples("busyhour rejects list --reason bad_time", "busyhour rejects show 3f2a…"))
def rejects() -> None:
    """Lines that are not records: where they came from and what is wrong with them."""


@rejects.command(
    "list", epilog=examples("busyhour rejects list", "busyhour rejects list --file lon-sbc --limit 20 --json")
)
@click.option("--reason", help="Only this reason code, such as bad_time or column_count.")
@click.option("--file", "file_part", help="Only files whose path contains this text.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, reason: str | None, file_part: str | None, limit: int, as_json: bool) -> None:
    """List suspended lines, newest first."""
    filters: list[dict[str, Any]] = [{"term": {"reject.reason": reason}}] if reason else []
    if file_part:
        filters.append({"wildcard": {"log.file.path": {"value": f"*{_literal(file_part)}*"}}})
    found = context.store.search(
        "cdr-reject", query={"bool": {"filter": filters}}, size=limit, sort=[{"event.ingested": "desc"}]
    )
    hits = [{"id": hit["_id"], **hit["_source"]} for hit in found["hits"]["hits"]]
    if as_json:
        emit_json({"rejects": hits})
        return
    rows = [
        [
            hit["id"][:8],
            hit["reject"]["reason"],
            hit["reject"].get("column", ""),
            f"{hit['log']['file']['path']}:{hit['log'].get('line', '?')}",
            hit["reject"].get("detail", ""),
        ]
        for hit in hits
    ]
    emit_table(("id", "reason", "column", "file and line", "what is wrong"), rows, empty="no suspended lines")


@rejects.command(epilog=examples("busyhour rejects show 3f2a91c0"))
@click.argument("reject_id", metavar="ID")
@json_option
@pass_context
def show(context: Context, reject_id: str, as_json: bool) -> None:
    """Show one suspended line whole; the first characters of its id are enough."""
    found = [hit for hit in context.store.scan("cdr-reject") if str(hit["_id"]).startswith(reject_id)]
    if len(found) != 1:
        raise UserError(
            f"{len(found)} rejects have an id that starts with {reject_id!r}", remedy="`busyhour rejects list`"
        )
    source = found[0]["_source"]
    if as_json:
        emit_json({"id": found[0]["_id"], **source})
        return
    emit_pairs(
        {
            "id": found[0]["_id"],
            "file": f"{source['log']['file']['path']}:{source['log'].get('line', '?')}",
            "layout": source["cdr"]["layout"],
            "reason": source["reject"]["reason"],
            "column": source["reject"].get("column", ""),
            "what is wrong": source["reject"].get("detail", ""),
            "state": source["reject"]["state"],
            "line": source["reject"]["raw"],
        }
    )


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?\\" else character for character in text)
