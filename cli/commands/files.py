"""`busyhour files`: the books of every file."""

from __future__ import annotations

from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import UserError


@click.group(epilog=examples("busyhour files list", "busyhour files show sample_data/voip.csv"))
def files() -> None:
    """The ledger: lines = indexed + duplicate + rejected, for every file."""


@files.command("list", epilog=examples("busyhour files list", "busyhour files list --unbalanced --json"))
@click.option("--unbalanced", is_flag=True, help="Only files that are open or whose books do not balance.")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, unbalanced: bool, limit: int, as_json: bool) -> None:
    """List files with their books, latest first."""
    found = context.store.search("cdr-file", query={"match_all": {}}, size=limit, sort=[{"event.ingested": "desc"}])
    books = [_book(hit["_source"]) for hit in found["hits"]["hits"]]
    if unbalanced:
        books = [book for book in books if book["state"] != "closed" or not book["balanced"]]
    if as_json:
        emit_json({"files": books})
        return
    headings = ("path", "layout", "state", "lines", "indexed", "duplicate", "rejected", "balanced")
    emit_table(headings, [[book[heading] for heading in headings] for book in books], empty="no files yet")


@files.command(epilog=examples("busyhour files show sample_data/voip.csv"))
@click.argument("path")
@json_option
@pass_context
def show(context: Context, path: str, as_json: bool) -> None:
    """Show the books of one file, by its path or the end of it."""
    found = [hit["_source"] for hit in context.store.scan("cdr-file") if _path(hit["_source"]).endswith(path)]
    if not found:
        raise UserError(f"no file whose path ends in {path!r} was mediated", remedy="`busyhour files list`")
    books = [_book(source) for source in found]
    if as_json:
        emit_json({"files": books})
        return
    for book in books:
        emit_pairs(book)


def _path(source: dict[str, Any]) -> str:
    return str(source["log"]["file"]["path"])


def _book(source: dict[str, Any]) -> dict[str, Any]:
    row = source["file"]
    return {
        "path": _path(source),
        "layout": row.get("layout", ""),
        "state": row["state"],
        "lines": row["lines"],
        "indexed": row["indexed"],
        "duplicate": row["duplicate"],
        "rejected": row["rejected"],
        "balanced": row["lines"] == row["indexed"] + row["duplicate"] + row["rejected"],
        "first": row.get("first", ""),
        "last": row.get("last", ""),
        "reasons": row.get("reasons", {}),
        "fingerprint": source["log"]["file"]["fingerprint"],
    }
