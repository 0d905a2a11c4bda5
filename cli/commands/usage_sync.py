"""`busyhour usage sync|export-cdr`: CDRs into the usage store, and usage out as CDR files."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from cli.usage_options import open_usage, period_of, period_options, zone_of
from usage.export import LAYOUTS
from usage.export import export_cdr as exported
from usage.sync import sync


@click.command("sync", epilog=examples("busyhour usage sync", "busyhour usage sync --numbers --json"))
@click.option("--numbers", is_flag=True, help="Also the customers' numbers, which export-cdr needs.")
@json_option
@pass_context
def sync_(context: Context, numbers: bool, as_json: bool) -> int:
    """Bring CDRs and customers that became visible since the last run into the usage store. Exit 1 when counts do not balance."""
    with open_usage(context) as store:
        report = sync(context.store, store, numbers=numbers)
    if as_json:
        emit_json(report.as_dict())
    else:
        emit_table(
            ("index", "read", "inserted", "present", "documents", "stored", "set aside", "balanced"),
            [
                [
                    each.source,
                    each.read,
                    each.inserted,
                    each.present,
                    each.documents,
                    each.stored,
                    _aside(each.aside),
                    each.balanced,
                ]
                for each in report.sources
            ],
            title=f"{report.customers} customers",
        )
    return 0 if report.balanced else 1


def _aside(aside: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(aside.items()))


@click.command(
    "export-cdr",
    epilog=examples("busyhour usage export-cdr --from 2026-11-01 --to 2026-12-01 --out cdr/", "busyhour ingest cdr/"),
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder that gets the files."
)
@click.option("--kind", "kinds", type=click.Choice(tuple(LAYOUTS)), multiple=True, help="Only these; may be repeated.")
@period_options
@json_option
@pass_context
def export_cdr(
    context: Context,
    out: Path,
    kinds: tuple[str, ...],
    since: str | None,
    until: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Write the usage of a period that was logged or imported here as CDR files for `busyhour ingest`."""
    with open_usage(context) as store:
        period = period_of(store, zone_of(context, timezone), since, until)
        files = exported(store, period, out, kinds or tuple(LAYOUTS))
    if as_json:
        emit_json({"files": [each.as_dict() for each in files]})
        return
    rows = [[each.kind, each.layout, each.lines, each.without_number, each.path] for each in files]
    emit_table(("kind", "layout", "lines", "without number", "file"), rows)
