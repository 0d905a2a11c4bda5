"""`busyhour files`: the books of every file, and who delivers them."""

from __future__ import annotations

import getpass
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import parse_iso
from contracts.errors import UserError
from mediation.sources import retire as retire_source
from mediation.sources import unretire, watch_sources
from mediation.sources.rhythm import in_words
from mediation.suspense import movements

_COUNTS = ("lines", "indexed", "duplicate", "rejected", "missing")


@click.group(epilog=examples("busyhour files list", "busyhour files show sample_data/voip.csv", "busyhour files gaps"))
def files() -> None:
    """The ledger: lines = indexed + duplicate + rejected, for every file; and the sources that deliver them."""


@files.command("list", epilog=examples("busyhour files list", "busyhour files list --unbalanced --json"))
@click.option("--unbalanced", is_flag=True, help="Only files that are open or whose books do not balance.")
@click.option("--source", help="Only files of this folder.")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_(context: Context, unbalanced: bool, source: str | None, limit: int, as_json: bool) -> None:
    """List files with their books, latest first."""
    store = context.store
    query = {"term": {"file.source": source}} if source else {"match_all": {}}
    found = (hit["_source"] for hit in store.scan("cdr-file", query, sort=[{"event.ingested": "desc"}]))
    books = []
    for row in found:
        book = _book(row)
        if not unbalanced or book["state"] != "closed" or not book["balanced"]:
            books.append(book)
        if len(books) == limit:
            break
    if as_json:
        emit_json({"files": books})
        return
    headings = ("path", "layout", "state", *_COUNTS, "suspended", "balanced")
    emit_table(headings, [[book[heading] for heading in headings] for book in books], empty="no files yet")


@files.command(epilog=examples("busyhour files show sample_data/voip.csv"))
@click.argument("path")
@json_option
@pass_context
def show(context: Context, path: str, as_json: bool) -> None:
    """Show the books of one file, by its path or the end of it, with what became of its rejected lines since."""
    query = {"wildcard": {"log.file.path": {"value": "*" + "".join(f"\\{c}" if c in "*?\\" else c for c in path)}}}
    found = [hit["_source"] for hit in context.store.scan("cdr-file", query)]
    if not found:
        raise UserError(f"no file whose path ends in {path!r} was mediated", remedy="`busyhour files list`")
    files = [(row["log"]["file"]["path"], row["log"]["file"]["fingerprint"]) for row in found]
    moved = dict(movements(context.store, files))
    books = []
    for row, file in zip(found, files, strict=True):
        movement = moved.get(file)
        now = (
            {"recycled": movement.recycled, "discarded": movement.discarded, "suspended": movement.suspended}
            if movement
            else {}
        )
        books.append({**_book(row), **now})
    if as_json:
        emit_json({"files": books})
        return
    for book in books:
        emit_pairs({name: value for name, value in book.items() if value not in ("", {}, None)})


@files.command(epilog=examples("busyhour files gaps", "busyhour files gaps --all --json"))
@click.option("--all", "everything", is_flag=True, help="Also what is over: closed and expired.")
@click.option("--source", help="Only this source, by its name or folder.")
@json_option
@pass_context
def gaps(context: Context, everything: bool, source: str | None, as_json: bool) -> None:
    """Look at the sources, and show which are silent, which file numbers are missing, and which are given twice."""
    store = context.store
    watch_sources(store)
    filters: list[dict[str, Any]] = [] if everything else [{"term": {"gap.status": "open"}}]
    if source:
        either = [{"term": {"feed.name": source}}, {"term": {"feed.folder": source}}]
        filters.append({"bool": {"should": either, "minimum_should_match": 1}})
    order = [{"event.start": "desc"}]
    found = [hit["_source"] for hit in store.scan("cdr-gap", {"bool": {"filter": filters}}, sort=order)]
    if as_json:
        emit_json({"gaps": found})
        return
    rows = [
        [
            row["event"]["start"],
            row["feed"]["name"],
            row["gap"]["kind"],
            row["gap"]["status"],
            row["gap"]["count"],
            row["gap"]["reason"],
        ]
        for row in found
    ]
    emit_table(("since", "source", "kind", "status", "files", "what"), rows, empty="nothing is late or missing")


@files.command(epilog=examples("busyhour files sources", "busyhour files sources --json"))
@json_option
@pass_context
def sources(context: Context, as_json: bool) -> None:
    """Look at the sources, and show how often each delivers, when it did last, and whether it is late."""
    store = context.store
    watch_sources(store)
    found = [hit["_source"]["feed"] for hit in store.scan("cdr-source", sort=[{"feed.name": "asc"}])]
    if as_json:
        emit_json({"sources": found})
        return
    now = store.clock()
    rows = [
        [
            feed["name"],
            feed["folder"],
            feed["state"],
            f"every {in_words(feed['interval']['sec'])}" if "interval" in feed else "not known",
            in_words(max(0.0, (now - parse_iso(feed["last"])).total_seconds())),
            feed["files"],
        ]
        for feed in found
    ]
    emit_table(("source", "folder", "state", "delivers", "silent for", "files"), rows, empty="no sources yet")


@files.command(
    epilog=examples(
        'busyhour files retire lon-sbc-1 --why "replaced by lon-sbc-2"', "busyhour files retire lon-sbc-1 --undo"
    )
)
@click.argument("source")
@click.option("--why", default="", help="Why nobody waits for it any more.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who says so.")
@click.option("--undo", is_flag=True, help="Wait for it again.")
@json_option
@pass_context
def retire(context: Context, source: str, why: str, by: str, undo: bool, as_json: bool) -> None:
    """Wait no more for files of a source that is finished by design. A file that comes all the same ends it."""
    store = context.store
    found = unretire(store, source, by=by) if undo else retire_source(store, source, by=by, why=why)
    watch_sources(store)
    if as_json:
        emit_json({"sources": found, "retired": not undo})
        return
    for name in found:
        say(f"{name} is {'waited for again' if undo else 'retired'}")


def _book(source: dict[str, Any]) -> dict[str, Any]:
    row = source["file"]
    counts = {name: int(row.get(name, 0)) for name in _COUNTS}
    moved = {name: int(row.get(name, 0)) for name in ("recycled", "discarded")}
    return {
        "path": str(source["log"]["file"]["path"]),
        "layout": row.get("layout", ""),
        "state": row["state"],
        **counts,
        **moved,
        "suspended": counts["rejected"] - moved["recycled"] - moved["discarded"],
        "balanced": counts["lines"] == counts["indexed"] + counts["duplicate"] + counts["rejected"],
        "delivered": row.get("mtime", ""),
        "first": row.get("first", ""),
        "last": row.get("last", ""),
        "reasons": row.get("reasons", {}),
        "fingerprint": source["log"]["file"]["fingerprint"],
        **{f"{name}_by_header": row[name] for name in ("sequence", "node", "lost") if name in row},
    }
