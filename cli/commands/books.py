"""`busyhour books`: the audit of files, and the reconciliation of a day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import moment
from cli.output import emit_json, emit_table, progress
from contracts.clock import floor_to
from contracts.errors import UserError
from mediation.audit import AuditReport, DayBooks, audit, reconcile

_SHOWN = 20


@click.command(
    epilog=examples(
        "busyhour books /var/cdr",
        "busyhour books /mnt/cdr --seen-as /var/cdr --verify",
        "busyhour books --day 2026-11-20",
        "busyhour books --day yesterday --json",
    )
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@click.option("--day", help="Reconcile this day (UTC): 2026-11-20, today or yesterday.")
@click.option("--verify", is_flag=True, help="Audit files whose books are closed and balance, too.")
@click.option("--seen-as", type=click.Path(path_type=Path), help="What the shipper calls the one folder given.")
@click.option("--layout", help="Every file has this layout; otherwise each header tells (`busyhour layouts list`).")
@click.option("--start", help="As it was given to `busyhour ingest`, for layouts without a time.")
@click.option("--rate", help="As it was given to `busyhour ingest`.")
@json_option
@pass_context
def books(
    context: Context,
    paths: tuple[Path, ...],
    day: str | None,
    verify: bool,
    seen_as: Path | None,
    layout: str | None,
    start: str | None,
    rate: str | None,
    as_json: bool,
) -> None:
    """Prove the books: of files whose end nobody saw (PATH), and of a whole day (--day).

    PATH: each file is mediated again without writing, its lines are looked up in the store, and its row in the ledger is
    written: present from here: indexed or rejected; from elsewhere: duplicate; absent: missing, which alerts. --day: files
    delivered on that day, records of that day, and whether all of it balances. Exit 1 when something does not.
    """
    if not paths and day is None:
        raise UserError("nothing to do", remedy="give files or folders to audit, or --day to reconcile")
    options: dict[str, Any] = {"layout": layout, "start": start, "rate": rate, "verify": verify}
    report = _audited(context, paths, seen_as, as_json, options) if paths else None
    found = None if day is None else reconcile(context.store, _day(context, day))
    if as_json:
        audited = report.as_dict() if report else {}
        emit_json({**audited, **({"day": found.as_dict()} if report and found else found.as_dict() if found else {})})
    else:
        if report:
            _show_audit(report)
        if found:
            _show_day(found)
    if not (report is None or report.ok) or not (found is None or found.balanced):
        raise SystemExit(1)


def _audited(
    context: Context, paths: tuple[Path, ...], seen_as: Path | None, quiet: bool, options: dict[str, Any]
) -> AuditReport:
    if seen_as is not None and len(paths) != 1:
        raise UserError(f"{len(paths)} paths have one name", where="--seen-as", remedy="give one folder")
    pair = None if seen_as is None else (paths[0].absolute(), seen_as)
    with progress("auditing", quiet=quiet) as advance:
        report = audit(context.store, paths, seen_as=pair, progress=advance, **options)
    for error in report.errors:
        say(f"busyhour: {error.sentence()}")
    return report


def _day(context: Context, text: str) -> Any:
    now = context.store.clock()
    words = {"today": now, "yesterday": now - timedelta(days=1)}
    return floor_to(words.get(text) or moment(text, now), 86400)


def _show_audit(report: AuditReport) -> None:
    rows: list[list[Any]] = [
        [
            each.path,
            each.layout,
            each.what,
            each.counts.lines,
            each.counts.indexed,
            each.counts.duplicate,
            each.counts.rejected,
            each.counts.missing,
        ]
        for each in report.files[:_SHOWN]
    ]
    headings = ("file", "layout", "what", "lines", "indexed", "duplicate", "rejected", "missing")
    emit_table(headings, rows, empty="no file to read")
    if len(report.files) > _SHOWN:
        click.echo(f"… and {len(report.files) - _SHOWN} more files")
    counts = report.counts
    click.echo(
        f"{counts.lines:,} lines = {counts.indexed:,} indexed + {counts.duplicate:,} duplicate + "
        f"{counts.rejected:,} rejected + {counts.missing:,} missing"
    )
    for each in report.files:
        if each.missing:
            lines = ", ".join(str(number) for _, number in each.missing)
            what = "not there yet" if each.what == "pending" else "missing"
            click.echo(f"{each.path}: {each.counts.missing:,} lines {what}, such as {lines}")
        if each.was is not None:
            click.echo(f"{each.path}: its row said {each.was.indexed:,} indexed, {each.was.rejected:,} rejected")
    if counts.missing:
        click.echo("  what to do: busyhour ingest PATH writes what is missing and doubles nothing")


def _show_day(found: DayBooks) -> None:
    click.echo(f"Files delivered on {found.day} (UTC, last modification of the file)")
    rows: list[list[Any]] = []
    for totals in found.delivered:
        counts, movement = totals.counts, totals.movement
        rows.append(
            [
                totals.source,
                totals.layout,
                totals.files,
                counts.lines,
                counts.indexed,
                counts.duplicate,
                counts.rejected,
                counts.missing,
                movement.suspended,
                movement.recycled,
                movement.discarded,
                totals.records,
                totals.balanced,
            ]
        )
    headings = ("source", "layout", "files", "lines", "indexed", "dupl.", "rejected", "missing")
    emit_table((*headings, "susp.", "recycled", "discarded", "in store", "balanced"), rows, empty="none")
    for totals in found.delivered:
        if totals.movement.reasons:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(totals.movement.reasons.items()))
            click.echo(f"rejected in {totals.source} ({totals.layout}) for: {reasons}")
        if totals.lost:
            click.echo(f"{totals.source} ({totals.layout}): its nodes say that they lost {totals.lost:,} CDRs or more")
    click.echo(f"Records of {found.day} (UTC, @timestamp), by the books of the file they are from")
    days = [
        [each.service, each.records, each.balanced, each.unbalanced, each.open, each.unknown] for each in found.records
    ]
    emit_table(("service", "records", "balanced", "not balanced", "open", "no row"), days, empty="none")
    for path, what in found.problems:
        click.echo(f"{path}: {what}")
    click.echo("balanced" if found.balanced else "does not balance")
