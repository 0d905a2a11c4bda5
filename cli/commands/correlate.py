"""`busyhour correlate`: partial records become data sessions, legs become calls."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import optional
from cli.output import emit_json, emit_table, progress
from mediation.correlate import CorrelateReport
from mediation.correlate import correlate as correlate_job


@click.command(epilog=examples("busyhour correlate", "busyhour correlate --since 2026-11-01 --json"))
@click.option("--since", help="What was ingested from this time on (UTC); where the job stopped last by default.")
@json_option
@pass_context
def correlate(context: Context, since: str | None, as_json: bool) -> None:
    """Put partial data records together to sessions, and legs and quality reports to calls, which KPIs then count.

    Runs after ingest and before rollup; run again, it changes only what late records change. Exit 1 when Elasticsearch
    refused a document.
    """
    with progress("correlating", quiet=as_json) as advance:
        report = correlate_job(
            context.store, since=optional(since), progress=lambda what, done, total: advance(done, total)
        )
    if as_json:
        emit_json(report.as_dict())
    else:
        _show(report)
    for problem in report.problems:
        say(f"busyhour: {problem}")
    if report.problems:
        raise SystemExit(1)


def _show(report: CorrelateReport) -> None:
    rows = [
        [name, one.keys, one.records, one.made, one.remade, one.withdrawn, one.late, one.late_total]
        for name, one in (("calls", report.voip), ("sessions", report.epc))
    ]
    names = ("", "ids seen", "records read", "made", "made again", "withdrawn", "too late now", "too late in all")
    emit_table(names, rows, title="Correlation")
    for oversized in report.oversized:
        click.echo(f"  left as they are, too many records of one id: {oversized}")
