"""`busyhour generate`: synthetic CDR files with labelled incidents."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from cli.context import examples, json_option
from cli.output import emit_json, progress
from contracts.errors import DefinitionError
from datagen import default_incidents
from datagen import generate as write_files

SERVICES = ("voip", "sms", "epc")


@click.command(
    epilog=examples(
        "busyhour generate --days 7 --out traffic/",
        "busyhour generate --service voip --days 2 --rate 50000 --seed 7 --out traffic/",
        "busyhour generate --days 28 --demo-incidents --out traffic/ && busyhour ingest traffic/cdr",
    )
)
@click.option("--service", "services", type=click.Choice(SERVICES), multiple=True, help="Only these; all by default.")
@click.option("--days", type=int, default=7, show_default=True, help="Whole days.")
@click.option("--start", help="First day, such as 2026-11-02; by default the last day is yesterday.")
@click.option("--rate", type=float, help="Records per service on an average day; the network file's own by default.")
@click.option("--incidents", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Scenario file (YAML).")
@click.option("--demo-incidents", is_flag=True, help="The demo's incidents: one of each type in the last three days.")
@click.option("--rotate", default="1h", show_default=True, help="A new file every 15m, 1h, 6h or 1d of record time.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files.")
@json_option
def generate(
    services: tuple[str, ...],
    days: int,
    start: str | None,
    rate: float | None,
    incidents: Path | None,
    demo_incidents: bool,
    rotate: str,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Write believable CDR files, the customers they belong to, and the truth about every incident in them."""
    first = _first_day(start, days)
    if demo_incidents and incidents:
        raise DefinitionError("--incidents and --demo-incidents exclude each other")
    end = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=days)
    with progress("generating", quiet=as_json) as advance:
        report = write_files(
            out,
            services=services or SERVICES,
            start=first,
            days=days,
            rate=rate,
            seed=seed,
            incidents=default_incidents(end) if demo_incidents else incidents,
            rotate=rotate,
            progress=lambda what, done, total: advance(done, total),
        )
    if as_json:
        emit_json(asdict(report))
        return
    click.echo(f"{report.rows:,} records in {report.files:,} files under {out}, in {report.seconds:.1f} s")
    click.echo(f"{report.incidents} labelled incidents: {report.truth}\ncustomers: {report.customers}")
    for name in report.outside:
        click.echo(f"incident {name} lies outside these days or services and was left out")


def _first_day(start: str | None, days: int) -> date:
    if start is None:
        return datetime.now(UTC).date() - timedelta(days=max(days, 1))
    try:
        return date.fromisoformat(start)
    except ValueError:
        raise DefinitionError(f"{start!r} is not a day", where="--start", remedy="write it as 2026-11-02") from None
