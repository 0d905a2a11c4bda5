"""`busyhour bench latency`: from a final bucket to its anomaly document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from infrastructure.store import Store

OwnNode = Callable[[Context], AbstractContextManager[Store]]


def latency_command(own_node: OwnNode) -> click.Command:
    """The command; `own_node` gives it a store of its own."""

    @click.command("latency", epilog=examples("busyhour bench latency --rate 200000 --json"))
    @click.option(
        "--rate", type=click.IntRange(1000, 10_000_000), default=20_000, show_default=True, help="Calls a day."
    )
    @click.option(
        "--rounds", type=click.IntRange(3, 100), default=9, show_default=True, help="Buckets of five minutes."
    )
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

    return latency
