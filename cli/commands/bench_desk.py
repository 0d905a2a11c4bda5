"""`busyhour bench desk`: how long an agent waits for a search and for a diagnosis."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_pairs
from cli.own_node import own_node


@click.command(
    "desk", epilog=examples("busyhour bench desk --json", "busyhour bench desk --customers 20000 --cdrs 50000")
)
@click.option(
    "--customers",
    type=click.IntRange(100, 20_000_000),
    default=1_000_000,
    show_default=True,
    help="Customers to search.",
)
@click.option(
    "--cdrs",
    type=click.IntRange(0, 1_000_000_000),
    default=100_000,
    show_default=True,
    help="Records; 0: no diagnosis.",
)
@click.option("--days", type=click.IntRange(1, 60), default=14, show_default=True, help="Days of the records.")
@click.option("--questions", type=click.IntRange(50, 100_000), default=300, show_default=True, help="Of each sort.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the customers and records.")
@json_option
@pass_context
def bench_desk(
    context: Context, customers: int, cdrs: int, days: int, questions: int, seed: int, as_json: bool
) -> None:
    """Time of a search as one types among many customers, and of a diagnosis among many records.

    Starts a node in a temporary directory and removes it again: your own data is not touched.
    """
    from servicedesk.bench import bench_desk as measured

    with own_node(context) as store, TemporaryDirectory(prefix="busyhour-desk-") as folder:
        figures = measured(
            store, Path(folder), customers=customers, cdrs=cdrs, days=days, questions=questions, seed=seed, say=say
        )
    emit_json(figures) if as_json else emit_pairs(figures)
