"""`busyhour bench latency`: from a final bucket to its anomaly document."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from cli.own_node import own_node


@click.command("latency", epilog=examples("busyhour bench latency --rate 200000 --json"))
@click.option("--rate", type=click.IntRange(1000, 10_000_000), default=20_000, show_default=True, help="Calls a day.")
@click.option("--rounds", type=click.IntRange(3, 100), default=9, show_default=True, help="Buckets of five minutes.")
@json_option
@pass_context
def latency(context: Context, rate: int, rounds: int, as_json: bool) -> None:
    """Seconds from a bucket that is final to its anomaly document, as `busyhour run` works.

    Starts a node in a temporary directory and removes it again: your own data is not touched.
    """
    from cli.latency import bench_latency

    with own_node(context) as store, TemporaryDirectory(prefix="busyhour-latency-") as folder:
        figures = bench_latency(store, Path(folder), rounds=rounds, rate=rate, say=say)
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)
