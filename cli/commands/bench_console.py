"""`busyhour bench console`: how fast pages and dashboards are, alone and with many viewers."""

from __future__ import annotations

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from cli.own_node import own_node


@click.command("console", epilog=examples("busyhour bench console", "busyhour bench console --viewers 50 --json"))
@click.option("--rounds", type=click.IntRange(1, 1000), default=20, show_default=True, help="Turns of each question.")
@click.option("--viewers", type=click.IntRange(1, 2000), default=200, show_default=True, help="Viewers at once.")
@click.option("--days", type=click.IntRange(1, 366), default=28, show_default=True, help="Days that the points span.")
@json_option
@pass_context
def bench_console(context: Context, rounds: int, viewers: int, days: int, as_json: bool) -> None:
    """Seconds to a dashboard's page and its panels, over the points of ten million records. Starts a node of its own."""
    from console.bench import bench_console as measure

    with own_node(context) as store:
        figures = measure(store, store.settings, rounds=rounds, viewers=viewers, days=days, say=say)
    if as_json:
        emit_json(figures)
    else:
        emit_pairs(figures)
