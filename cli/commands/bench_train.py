"""`busyhour bench train`: how fast baselines are learned from Elasticsearch."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from cli.own_node import own_node
from detectors.adapter import judged_kpis
from kpis import catalogue


@click.command("train", epilog=examples("busyhour bench train", "busyhour bench train --series 90 --weeks 8 --json"))
@click.option("--series", type=click.IntRange(3, 3000), default=45, show_default=True, help="Series to make.")
@click.option("--weeks", type=click.IntRange(2, 8), default=4, show_default=True, help="Weeks of points of each.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made points.")
@json_option
@pass_context
def bench_train(context: Context, series: int, weeks: int, seed: int, as_json: bool) -> None:
    """Points learned per second from Elasticsearch, beside the node's own read rate for the same queries.

    Learns twice: with nothing kept, and again when one more day of points has come. Starts a node in a temporary directory and
    removes it again: your own data is not touched.
    """
    from detectors.bench.learning import bench_train as measure

    with own_node(context) as store:
        figures = measure(
            store, judged_kpis(catalogue.load(context.settings)), series=series, weeks=weeks, seed=seed, say=say
        )
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)
