"""`busyhour bench`: figures that the docs quote, measured on a node of the bench's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import set_up
from infrastructure.store import Store
from mediation.bench import bench_ingest


@click.group(epilog=examples("busyhour bench ingest", "busyhour bench ingest --rows 200000 --json"))
def bench() -> None:
    """Measure. Every figure comes with what it is compared to, taken in the same run."""


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
    home = Path(mkdtemp(prefix="busyhour-bench-"))
    settings = context.settings.with_values(home=str(home), es_url="")
    node = LocalNode(home, settings)
    try:
        node.start(progress=say)
        store = Store.connect(settings)
        set_up(store)
        figures = bench_ingest(store, rows=rows, seed=seed, rounds=rounds, say=say)
    finally:
        node.stop()
        shutil.rmtree(home, ignore_errors=True)
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)
