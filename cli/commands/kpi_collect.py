"""`busyhour kpi collect|gaps|retain|metrics|push`: values made automatically, and handed on."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.kpi_options import entity_of, period_of, period_options, registry_of
from cli.kpi_ports import usage_days
from cli.moments import moment, optional, span
from cli.output import emit_json, emit_pairs, emit_table, progress
from contracts.clock import iso
from contracts.errors import StoreUnavailable
from kpis.collecting import CollectReport
from kpis.collecting import collect as collect_job
from kpis.collecting import gaps as find_gaps
from kpis.pushing import FORMATS
from kpis.pushing import push as push_points
from kpis.retention import retain as retain_job

_RESOLUTIONS = {"5m": 300, "1h": 3600, "1d": 86400}


@click.command(
    epilog=examples("busyhour kpi collect", "busyhour kpi collect --every 5m", "busyhour kpi collect --json")
)
@click.option("--kpi", "names", multiple=True, help="Only this KPI, not those that it is made of; may be repeated.")
@click.option("--until", help="Buckets that end later wait (UTC); now by default.")
@click.option("--every", help="Run again after this pause, such as 5m, until stopped with Ctrl-C.")
@json_option
@pass_context
def collect(context: Context, names: tuple[str, ...], until: str | None, every: str | None, as_json: bool) -> None:
    """Collect every KPI that does not come from the roll-up: from the books, the desk, formulas, the usage store, HTTP,
    Prometheus and files. A source that fails is named, and asked again the next time; exit 1 when any failed."""
    pause = span(every).total_seconds() if every else None
    while True:
        try:
            report = _once(context, names, until, as_json)
            _show(report, as_json)
        except StoreUnavailable as error:
            if pause is None:
                raise
            say(f"busyhour: {error.sentence()}\n  collecting goes on as soon as it answers")
            report = CollectReport()
        if pause is None:
            break
        time.sleep(pause)
    if report.failed or report.problems:
        raise SystemExit(1)


def _once(context: Context, names: tuple[str, ...], until: str | None, as_json: bool) -> CollectReport:
    with progress("collecting KPIs", quiet=as_json) as advance, usage_days(context) as usage:
        return collect_job(context.store, usage=usage, only=names or None, until=optional(until), progress=advance)


def _show(report: CollectReport, as_json: bool) -> None:
    if as_json:
        emit_json(report.as_dict())
        return
    written = ", ".join(f"{count:,} by {source}" for source, count in report.written.items() if count)
    emit_pairs({"KPIs": report.kpis, "points": written or "nothing new", "seconds": round(report.seconds, 1)})
    for name, why in report.failed.items():
        say(f"busyhour: {name}: {why}")
    for problem in report.problems:
        say(f"busyhour: a stored definition cannot be read: {problem}")


@click.command(epilog=examples("busyhour kpi gaps service.availability --entity service:voip --period month"))
@click.argument("kpi")
@click.option("--entity", help="TYPE:ID; the whole by default.")
@click.option("--resolution", type=click.Choice(tuple(_RESOLUTIONS)), help="Buckets; the shortest by default.")
@period_options
@json_option
@pass_context
def gaps(
    context: Context,
    kpi: str,
    entity: str | None,
    resolution: str | None,
    period: str,
    since: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Show the buckets without a value, from the first value of the period on."""
    one = registry_of(context).find(kpi)
    start, end = period_of(context, period, since, until)
    seconds = _RESOLUTIONS[resolution] if resolution else one.resolutions[0]
    who = entity_of(entity, one)
    rows = [
        {"from": iso(each.start), "to": iso(each.end), "buckets": each.buckets}
        for each in find_gaps(context.store, one, who, start, end, seconds)
    ]
    if as_json:
        emit_json({"kpi": one.id, "entity": who, "seconds": seconds, "gaps": rows})
    else:
        table = [[row["from"], row["to"], row["buckets"]] for row in rows]
        emit_table(
            ("from (UTC)", "to", "buckets"), table, title=f"{one.id} of {who}", empty="no gaps, or no values at all"
        )


@click.command(epilog=examples("busyhour kpi retain --dry-run", "busyhour kpi retain --json"))
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@json_option
@pass_context
def retain(context: Context, dry_run: bool, as_json: bool) -> None:
    """Drop partitions of points older than the settings kpi.keep.5m.days, kpi.keep.1h.days and kpi.keep.1d.days say.

    A partition stays while coarser points do not cover every hour, or day, of it.
    """
    found = retain_job(context.store, dry_run=dry_run)
    rows = [
        {"partition": each.partition, "end": iso(each.end), "points": each.points, "kept": each.kept} for each in found
    ]
    if as_json:
        emit_json({"dry_run": dry_run, "partitions": rows})
        return
    word = "would be dropped" if dry_run else "dropped"
    table = [[row["partition"], row["end"], row["points"], row["kept"] or word] for row in rows]
    emit_table(("partition", "ends (UTC)", "points", "what"), table, empty="nothing is old enough")


@click.command(
    epilog=examples("busyhour kpi metrics", "busyhour kpi metrics --serve 9464", "busyhour kpi metrics --out kpi.prom")
)
@click.option(
    "--serve", type=click.IntRange(1, 65535), help="Answer GET /metrics on this port of 127.0.0.1, until Ctrl-C."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write it to a file, as for the node exporter's text files."
)
@json_option
@pass_context
def metrics(context: Context, serve: int | None, out: Path | None, as_json: bool) -> None:
    """The newest value of every KPI in Prometheus' text format: printed, written to a file, or served to be pulled."""
    from kpis.exposition import exposition
    from kpis.whole_files import put, write_whole

    if serve is not None:
        from cli.metrics_server import serve_metrics

        serve_metrics(lambda: exposition(context.store, registry_of(context)), serve)
        return
    text = exposition(context.store, registry_of(context))
    if out is not None:
        write_whole(out, lambda aside: put(aside, text))
    answer = {"series": sum(line.startswith(b"busyhour_kpi{") for line in text.splitlines()), "file": str(out or "")}
    if as_json:
        emit_json(answer)
    else:
        click.echo(text.decode() if out is None else f"{answer['series']} series in {out}", nl=out is not None)


@click.command(
    epilog=examples(
        "busyhour kpi push http://127.0.0.1:8428/write --format influx --since 2026-11-21",
        "busyhour kpi push https://example.org/kpis --format json --secret receiver --resolution 1d --json",
    )
)
@click.argument("url")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="JSON lines or InfluxDB."
)
@click.option("--kpi", "names", multiple=True, help="Only this KPI; may be repeated.")
@click.option("--resolution", type=click.Choice(tuple(_RESOLUTIONS)), default="1h", show_default=True, help="Buckets.")
@click.option("--since", help="What was written since then (UTC); the last day by default.")
@click.option("--secret", default="", help="Name of a file under home/secrets/kpi: `bearer TOKEN` or `USER:PASSWORD`.")
@json_option
@pass_context
def push(
    context: Context,
    url: str,
    form: str,
    names: tuple[str, ...],
    resolution: str,
    since: str | None,
    secret: str,
    as_json: bool,
) -> None:
    """Hand values that were written since a time to another system by HTTP POST; its host must be in kpi.collect.hosts.

    The answer's `until` is where the next push goes on. Points carry time and identity: the same again is harmless.
    """
    registry, now = registry_of(context), context.store.clock()
    chosen = [registry.find(name) for name in names] or registry.active()
    start = moment(since, now - timedelta(days=1))
    found = push_points(context.store, chosen, url, start, now, _RESOLUTIONS[resolution], form, secret=secret)
    answer = {"points": found.points, "requests": found.requests, "until": iso(found.until)}
    emit_json(answer) if as_json else emit_pairs(answer)
