"""`busyhour ingest`: CDR files into the store."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.follow import run_follower
from cli.output import emit_json, emit_table, progress
from mediation import IngestReport
from mediation import ingest as mediate

_SHOWN = 20


@click.command(
    epilog=examples(
        "busyhour ingest sample_data/",
        "busyhour ingest calls.csv --layout voip-public --json",
        "busyhour ingest undated.csv --start 2026-01-01T00:00:00 --rate 120/h",
        "busyhour ingest --follow /var/cdr",
        "busyhour ingest --follow --once --done /var/cdr-done /var/cdr",
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@click.option("--layout", help="Every file has this layout; otherwise each header tells (`busyhour layouts list`).")
@click.option("--start", help="Time of the lowest record number in the file, for layouts without a time (UTC).")
@click.option("--rate", help="Their pace, such as 120/h or 2/min.")
@click.option(
    "--follow", is_flag=True, help="Paths are folders: take files as they come and grow, until SIGTERM or Ctrl-C."
)
@click.option("--once", is_flag=True, help="With --follow: end when nothing is left to do.")
@click.option(
    "--done", type=click.Path(path_type=Path, file_okay=False), help="With --follow: move finished files there."
)
@json_option
@pass_context
def ingest(
    context: Context,
    paths: tuple[Path, ...],
    layout: str | None,
    start: str | None,
    rate: str | None,
    follow: bool,
    once: bool,
    done: Path | None,
    as_json: bool,
) -> None:
    """Mediate files, or folders of them. Every line ends as indexed, duplicate or rejected; the ledger proves it.

    Ingesting again changes nothing. Exit 1 when a file could not be read or recognised; rejected lines are no failure.
    With --follow any number of workers may share a folder; --json then prints an object a line (docs/follow.md).
    """
    if follow:
        if start or rate:
            raise click.UsageError("--start and --rate need the whole file: they do not go with --follow")
        if not run_follower(context, paths, layout=layout, once=once, done=done, as_json=as_json).ok:
            raise SystemExit(1)
        return
    if once or done:
        raise click.UsageError("--once and --done belong to --follow")
    with progress("mediating", quiet=as_json) as advance:
        report = mediate(context.store, paths, layout=layout, start=start, rate=rate, progress=advance, visible=False)
    for error in report.errors:
        say(f"busyhour: {error.sentence()}")
    if as_json:
        emit_json(report.as_dict())
    else:
        _show(report)
    if not report.ok:
        raise SystemExit(1)


def _short(path: Path) -> str:
    """Relative to where the user is, when that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _show(report: IngestReport) -> None:
    rows = [
        [_short(each.path), each.layout, each.run.lines, each.run.indexed, each.run.duplicate, each.run.rejected]
        for each in report.files[:_SHOWN]
    ]
    if len(report.files) > _SHOWN:
        rows.append([f"… and {len(report.files) - _SHOWN} more files", "", 0, 0, 0, 0])
    emit_table(("file", "layout", "lines", "indexed", "duplicate", "rejected"), rows, empty="no file to read")
    rate = report.lines / report.seconds if report.seconds else 0.0
    click.echo(
        f"{report.lines:,} lines = {report.indexed:,} indexed + {report.duplicate:,} duplicate + "
        f"{report.rejected:,} rejected, in {report.seconds:.1f} s ({rate:,.0f} lines/s)"
    )
    if report.rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.counts.reasons.items()))
        click.echo(f"rejected for: {reasons}\n  what to do: busyhour rejects list")
