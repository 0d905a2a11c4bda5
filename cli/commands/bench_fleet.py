"""`busyhour bench fleet`: training and scoring of a large fleet from files."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from detectors.adapter import judged_kpis
from kpis import catalogue


@click.command("fleet", epilog=examples("busyhour bench fleet --series 10000 --weeks 8 --json"))
@click.option("--series", type=click.IntRange(3, 1_000_000), default=1000, show_default=True, help="Series to make.")
@click.option("--weeks", type=click.IntRange(1, 52), default=8, show_default=True, help="Weeks of 5-minute points.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made points.")
@click.option("--processes", type=click.IntRange(1, 256), default=2, show_default=True, help="Worker processes.")
@json_option
@pass_context
def bench_fleet(context: Context, series: int, weeks: int, seed: int, processes: int, as_json: bool) -> None:
    """Points per second, processor time and peak memory of `fleet train` and `fleet score`. Needs no node.

    Makes the files first, in a temporary folder: some 1.6 GB for 10,000 series of eight weeks, and as much for the scores.
    """
    from detectors.fleet.bench import bench_fleet as measure

    figures = measure(
        judged_kpis(catalogue.load(context.settings)),
        ZoneInfo(context.settings.text("network.timezone")),
        series=series,
        weeks=weeks,
        seed=seed,
        processes=processes,
        say=say,
    )
    if as_json:
        emit_json(figures | {"by_resolution": {str(key): value for key, value in figures["by_resolution"].items()}})
    else:
        emit_pairs(figures)
