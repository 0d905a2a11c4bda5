"""`busyhour kpi report|watches`: the management page, its mailing, and watches from targets."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.kpi_options import period_of, period_options, registry_of
from cli.output import emit_json, emit_pairs, progress
from contracts.clock import iso
from contracts.errors import OperatorError, UserError
from reports.content import Content

_FORMATS = ("html", "pdf", "xlsx", "csv", "json", "parquet")  # reports.pipeline.FORMATS; a test holds them together


@click.command(
    epilog=examples(
        "busyhour kpi report --period week --format pdf --out report.pdf",
        "busyhour kpi report --period month --format html --mail board",
        "busyhour kpi report --since 2026-11-01 --until 2026-11-08 --format json --json",
    )
)
@period_options
@click.option("--format", "form", type=click.Choice(_FORMATS), default="html", show_default=True, help="Of the file.")
@click.option("--out", type=click.Path(path_type=Path), help="File; kpi-report-DATE.FORMAT here by default.")
@click.option("--title", default="KPI report", show_default=True, help="Its title.")
@click.option("--mail", "to", help="Mail it, too, to this target of alert.notify.file; once a period.")
@click.option("--again", is_flag=True, help="Mail it although it was mailed for this period.")
@click.option("--no-forecast", is_flag=True, help="Leave the forecasts out: they take a few seconds.")
@json_option
@pass_context
def report(
    context: Context,
    period: str,
    since: str | None,
    until: str | None,
    form: str,
    out: Path | None,
    title: str,
    to: str | None,
    again: bool,
    no_forecast: bool,
    as_json: bool,
) -> None:
    """Write the KPI report: states, targets held and missed, changes of level, incidents, worst entities, forecasts, usage.

    With pictures as HTML or PDF; with its figures as XLSX, CSV, JSON or Parquet. Whole UTC days.
    """
    from reports.pipeline import write

    start, end = period_of(context, period, since, until)
    if start.timestamp() % 86400 or end.timestamp() % 86400 or end - start < timedelta(days=1):
        raise UserError("a report is over whole UTC days", remedy="give dates without a time")
    path = out or Path(f"kpi-report-{start:%Y-%m-%d}.{form}")
    with progress("making the report", quiet=as_json):
        content = gathered(context, start, end, title, forecasts=not no_forecast)
        write(content, form, path)
    answer = {
        "file": str(path),
        "format": form,
        "from": iso(start),
        "to": iso(end),
        "kpis": len({line.kpi for line in content.lines}),
        "targets": content.aimed,
        "held": content.held,
        "missed": len(content.missed),
        "incidents": content.incidents_in_all,
    }
    if to is not None:
        from reports.mailing import send

        answer["mailed"] = send(context.store, content, to, again=again)
    emit_json(answer) if as_json else emit_pairs(answer)


def gathered(context: Context, start: datetime, end: datetime, title: str, *, forecasts: bool) -> Content:
    """The report's content, customers' usage included where there is a usage store."""
    from reports.gathering import gather
    from usage.engine import UsageStore
    from usage.migrate import check_set_up
    from usage.tariffs import load_tariffs

    store = UsageStore.open(context.settings, say=say)
    try:
        try:
            check_set_up(store)
            usage = store, load_tariffs(context.settings)
        except (OperatorError, UserError):
            usage = None
        return gather(context.store, start, end, title=title, usage=usage, forecasts=forecasts)
    finally:
        store.close()


@click.command(epilog=examples("busyhour kpi watches", "busyhour kpi watches --kpi desk.effort --out watches/ --json"))
@click.option("--kpi", "names", multiple=True, help="Only of this KPI; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder; that of alert.watches.folder by default.")
@json_option
@pass_context
def watches(context: Context, names: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Make a watch of every KPI's target, also of one entered by hand, so that `busyhour alert` tells of a breach."""
    from reports.watching import write_watches

    text = context.settings.text("alert.watches.folder")
    if out is None and not text:
        raise UserError("no folder of watches", where="alert.watches.folder", remedy="set it, or give --out")
    folder = out or Path(text)
    made = write_watches(registry_of(context), folder, names)
    answer = {"folder": str(folder), **made._asdict()}
    if as_json:
        emit_json(answer)
        return
    emit_pairs({word: len(found) for word, found in made._asdict().items()} | {"folder": str(folder)})
    if out is not None and (not text or Path(text).resolve() != out.resolve()):
        say("busyhour: alert.watches.folder names another folder: these watches do not run yet")
