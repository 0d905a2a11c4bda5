"""`busyhour bench`: figures that the docs quote, measured on a node of the bench's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.commands.bench_alerting import bench_alerting
from cli.commands.bench_console import bench_console
from cli.commands.bench_desk import bench_desk
from cli.commands.bench_detect import bench_detect
from cli.commands.bench_fleet import bench_fleet
from cli.commands.bench_latency import latency
from cli.commands.bench_series import series
from cli.commands.bench_train import bench_train
from cli.commands.bench_usage import bench_usage
from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs, emit_table
from cli.own_node import own_node
from mediation.bench import bench_ingest, bench_lines, bench_memory

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "voip-public-undated.csv"


@click.group(epilog=examples("busyhour bench ingest", "busyhour bench ingest --rows 200000 --json"))
def bench() -> None:
    """Measure. Every figure comes with what it is compared to, taken in the same run."""


bench.add_command(bench_alerting)
bench.add_command(bench_detect)
bench.add_command(bench_console)
bench.add_command(series)
bench.add_command(bench_fleet)
bench.add_command(bench_train)


bench.add_command(bench_usage)
bench.add_command(bench_desk)


@bench.command(epilog=examples("busyhour bench ingest --rows 200000 --rounds 5 --json"))
@click.option(
    "--rows", type=click.IntRange(1000, 10_000_000), default=100_000, show_default=True, help="Lines of the file."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Turns; medians are shown.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made file.")
@json_option
@pass_context
def ingest(context: Context, rows: int, rounds: int, seed: int, as_json: bool) -> None:
    """Records per second from file to Elasticsearch, beside the node's raw bulk rate for the same documents.

    Starts a node in a temporary directory and removes it again: your own data is not touched.
    """
    with own_node(context) as store:
        figures = bench_ingest(store, rows=rows, seed=seed, rounds=rounds, say=say)
    _show(figures, as_json)


@bench.command(epilog=examples("busyhour bench lines", "busyhour bench lines --rows 200000 --json"))
@click.option(
    "--rows", type=click.IntRange(1000, 10_000_000), default=100_000, show_default=True, help="Lines of the file."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="Turns; medians are shown.")
@json_option
def lines(rows: int, rounds: int, as_json: bool) -> None:
    """Processor time from line to document, beside what csv.DictReader takes to read the file alone. Needs no node."""
    _show(bench_lines(rows=rows, rounds=rounds), as_json)


@bench.command(epilog=examples("busyhour bench memory", "busyhour bench memory --large 500 --json"))
@click.option(
    "--small", type=click.IntRange(1, 100_000), default=10, show_default=True, help="Megabytes of the first file."
)
@click.option(
    "--large", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="Megabytes of the second."
)
@json_option
@pass_context
def memory(context: Context, small: int, large: int, as_json: bool) -> None:
    """Peak memory of an ingest of a small file and of a large one: it must be the same.

    Needs disk for the large file and a node that holds its records; two gigabytes take some ten minutes.
    """
    with own_node(context) as store:
        figures = bench_memory(store, small=small, large=large, say=say)
    _show(figures, as_json)


@bench.command(
    epilog=examples(
        "busyhour bench generate",
        "busyhour bench generate --sample real.csv --peers .venv-peers/bin/python --json",
    )
)
@click.option(
    "--sample",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=SAMPLE,
    show_default="sample_data/voip-public-undated.csv",
    help="Real records to learn.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the records that are compared.")
@click.option(
    "--rows", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True, help="Records that are compared."
)
@click.option(
    "--rate-rows",
    type=click.IntRange(10_000, 100_000_000),
    default=1_000_000,
    show_default=True,
    help="Records that are timed.",
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Turns; medians are shown.")
@click.option(
    "--peers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A Python that has sdv and sdmetrics (make bench-peers); without it they are left out.",
)
@click.option(
    "--docs", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Put the figures into this page."
)
@json_option
def generate(
    sample: Path,
    seed: int,
    rows: int,
    rate_rows: int,
    rounds: int,
    peers: Path | None,
    docs: Path | None,
    as_json: bool,
) -> None:
    """Likeness, speed and memory of a model learned from a sample, beside the simple ways and the fastest CSV writers.

    Each measurement runs in a process of its own on one core; rates are by processor time. Needs no node.
    """
    from datagen.bench.generate import bench_generate
    from datagen.bench.tables import tables, write_into

    figures = bench_generate(sample, rows=rows, rate_rows=rate_rows, seed=seed, rounds=rounds, peers=peers, say=say)
    if docs is not None:
        write_into(docs, figures)
    if as_json:
        emit_json(figures)
        return
    for title, headings, lines in tables(figures):
        emit_table(headings, lines, title=title)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)


bench.add_command(latency)
