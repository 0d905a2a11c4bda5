"""`busyhour bench alerting`: whether many watches keep their minute, how fast is told, and what a storm of alerts costs."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from cli.own_node import own_node


@click.command("alerting", epilog=examples("busyhour bench alerting", "busyhour bench alerting --minutes 2 --json"))
@click.option(
    "--watches", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Watches, each a minute."
)
@click.option("--minutes", type=click.IntRange(1, 600), default=3, show_default=True, help="Minutes of real time.")
@click.option(
    "--deliveries", type=click.IntRange(1, 10_000), default=2_000, show_default=True, help="Webhooks to one receiver."
)
@click.option(
    "--storm", type=click.IntRange(1, 10_000), default=9_999, show_default=True, help="Alerts that fire at once."
)
@json_option
@pass_context
def bench_alerting(context: Context, watches: int, minutes: int, deliveries: int, storm: int, as_json: bool) -> None:
    """Lateness of watches that are all due each minute, deliveries a second, and a storm. Starts a node of its own."""
    from alerting.bench import bench_alerting as measure

    with own_node(context) as store:
        figures = measure(store, watches=watches, minutes=minutes, deliveries=deliveries, storm=storm, say=say)
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)
