"""`busyhour bench detect`: eight weeks with the whole incident library at several strengths, what is found of it and how soon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.output import emit_json, emit_table


@click.command(
    "detect",
    epilog=examples(
        "busyhour bench detect --seed 101 --json",
        "busyhour bench detect --seed 101 --html detection.html --plot delays.svg",
        "busyhour bench detect --seed 101 --no-peers",
    ),
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Of traffic and places.")
@click.option(
    "--weeks", type=click.IntRange(6, 26), default=8, show_default=True, help="Three quiet ones, then the rest."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with plots as well.")
@click.option(
    "--peers/--no-peers",
    "with_peers",
    default=True,
    show_default=True,
    help="Judge the same points by every public detector installed, too.",
)
@click.option("--peer", "peers", multiple=True, help="… by this one only, such as ecod; may be repeated.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write the delays by type as SVG as well."
)
@json_option
@pass_context
def bench_detect(
    context: Context,
    seed: int,
    weeks: int,
    html: Path | None,
    with_peers: bool,
    peers: tuple[str, ...],
    plot: Path | None,
    as_json: bool,
) -> None:
    """Generate, train, detect and evaluate: precision, recall, delay and false alarms over what an oracle can see.

    Points are counted straight from the generated records, without files or a node: a minute and a half of a core, 1.1 GB.
    Public detectors (`make peers` installs them) take some minutes more of every core.
    """
    from detectors.bench.run import bench_detect as measured
    from detectors.report import delays_svg, page, write_page

    wanted = peers if with_peers else None
    figures = measured(context.settings, seed=seed, weeks=weeks, say=say, peers=wanted)
    if html is not None:
        write_page(html, page(figures, f"Detection, seed {seed}, {weeks} weeks"))
    if plot is not None:
        write_page(plot, delays_svg(figures["by_type"]))
    if as_json:
        emit_json(figures)
    else:
        show(figures)


_BESIDE = {"as_kept": "the points as they are kept", "by_the_hour": "the same series by the hour"}


def show_beside(peers: dict[str, Any]) -> None:
    """Public detectors beside ours, and what the others lack."""
    names = ("precision", "recall", "f1", "f1_quiet", "median_delay_s", "false_alarms_per_service_week")
    for step, words in _BESIDE.items():
        rows = [[name, *(one[key] for key in names)] for name, one in peers[step]["detectors"].items()]
        emit_table(("detector", *names), rows, title=f"{words}, {peers[step]['series']} series")
    for name, why in peers["missing"].items():
        click.echo(f"{name}: {why}")


def show(figures: dict[str, Any]) -> None:
    """For people: by type, what was not found or late, what was found and is not there."""
    if "peers" in figures:
        show_beside(figures["peers"])
    emit_table(
        ("type", "scored", "found", "in time", "median delay", "limit"),
        [
            [
                *(row[name] for name in ("type", "scored", "found", "within_limit")),
                minutes(row["median_delay_s"]),
                minutes(row["limit_s"]),
            ]
            for row in figures["by_type"]
        ],
    )
    bad = [row for row in figures["matches"] if row["scored"] and (not row["found"] or row["late"])]
    emit_table(
        ("not found, or late", "place", "after", "limit", "oracle after"),
        [
            [row["labelled"], row["entities"][0], minutes(row["delay_s"]), minutes(row["limit_s"]),
             minutes(figures["oracle"][row["labelled"]]["after_s"])]
            for row in bad
        ],
    )  # fmt: skip
    emit_table(
        ("false alarm", "start", "why"),
        [[row["title"], f"{row['start']:%d %b %H:%M}", row["reason"]] for row in figures["false_alarms"]],
        empty="no false alarm",
    )
    click.echo(
        f"precision {figures['precision']:.3f}, recall {figures['recall']:.3f}, F1 {figures['f1']:.3f}; "
        f"{figures['false_alarms_per_service_week']:.2f} false alarms per service and week; median delay "
        f"{minutes(figures['median_delay_s'])}, of abrupt types {minutes(figures['abrupt_median_delay_s'])}; in time "
        f"{figures['within_limit']} of {figures['oracle_within_limit']} that the oracle sees in time"
    )


def minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.0f} min"
