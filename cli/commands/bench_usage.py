"""`busyhour bench usage`: how fast the usage store loads, and how long its reports take."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from cli.context import examples, json_option, say
from cli.output import emit_json, emit_pairs, emit_table


@click.command("usage", epilog=examples("busyhour bench usage", "busyhour bench usage --rows 100000 --json"))
@click.option(
    "--rows",
    type=click.IntRange(1000, 20_000_000),
    default=1_000_000,
    show_default=True,
    help="Records of each kind: calls, SMS, data sessions.",
)
@click.option("--customers", type=click.IntRange(10, 1_000_000), default=10_000, show_default=True, help="Customers.")
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=20, show_default=True, help="Times that each report is asked."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the records.")
@json_option
def bench_usage(rows: int, customers: int, rounds: int, seed: int, as_json: bool) -> None:
    """Import rate beside LOAD DATA's for the same rows, and the time of each report, on a MariaDB of the bench's own."""
    from usage.bench import bench_usage as measured

    with tempfile.TemporaryDirectory(prefix="bh-") as folder:
        figures = measured(Path(folder), rows=rows, customers=customers, rounds=rounds, seed=seed, say=say)
    if as_json:
        emit_json(figures)
        return
    emit_pairs({name: value for name, value in figures.items() if name != "reports"})
    rows_shown = [[name, each["p50_ms"], each["p95_ms"]] for name, each in figures["reports"].items()]
    emit_table(("report", "median ms", "95th percentile ms"), rows_shown)
