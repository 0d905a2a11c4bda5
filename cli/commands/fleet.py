"""`busyhour fleet`: training and scoring over columnar files, for more series than a store should hand out."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, progress
from detectors.adapter import judged_kpis
from detectors.calendars import Calendars
from detectors.subject import Kpi
from kpis import catalogue


@click.group(epilog=examples("busyhour fleet train points/ --out model.parquet"))
def fleet() -> None:
    """Learn and judge KPI points that lie in Parquet files. Needs no node."""


def _workers(command: Any) -> Any:
    command = click.option("--dask", default="", help="Address of a Dask scheduler whose workers see the same paths.")(
        command
    )
    return click.option(
        "--processes",
        type=click.IntRange(1, 256),
        default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        show_default="one per core",
        help="Processes on this machine.",
    )(command)


def _folder(command: Any) -> Any:
    return click.argument("folder", type=click.Path(path_type=Path))(command)


@fleet.command(
    epilog=examples(
        "busyhour fleet train points/ --out model.parquet",
        "busyhour fleet train /shared/points --out model.parquet --dask tcp://10.0.0.5:8786 --json",
    )
)
@_folder
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model to write: one row per series.")
@click.option(
    "--weeks", type=click.IntRange(1, 52), default=8, show_default=True, help="Learn from the latest so many."
)
@click.option("--step", "step_sec", type=int, default=300, show_default=True, help="Seconds of a bucket in the files.")
@_workers
@json_option
@pass_context
def train(
    context: Context, folder: Path, out: Path, weeks: int, step_sec: int, processes: int, dask: str, as_json: bool
) -> None:
    """Learn the baseline of every series in FOLDER's .parquet files, one row per series and bucket.

    Columns: kpi, entity_type, entity_id, bucket; value, or numerator and denominator; service, samples and state if there
    are any. Rows of a series lie together: sort by kpi, service, entity_type, entity_id. See docs/fleet.md.
    """
    from detectors.fleet import train_files

    with progress("learning baselines", quiet=as_json) as advance:
        report = train_files(
            folder,
            out,
            _kpis(context),
            _zone(context),
            step_sec=step_sec,
            weeks=weeks,
            processes=processes,
            dask=dask,
            calendars=Calendars(context.settings),
            progress=advance,
        )
    _show(report, as_json)


@fleet.command(
    epilog=examples(
        "busyhour fleet score points/ --model model.parquet --out scores.parquet",
        "busyhour fleet score points/ --model model.parquet --out alarms.parquet --least 75 --json",
    )
)
@_folder
@click.option("--model", type=click.Path(path_type=Path), required=True, help="What `fleet train` wrote.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Scores to write: one row per judged point."
)
@click.option("--least", type=click.FloatRange(0, 100), default=0.0, show_default=True, help="Leave lower scores out.")
@_workers
@json_option
@pass_context
def score(
    context: Context, folder: Path, model: Path, out: Path, least: float, processes: int, dask: str, as_json: bool
) -> None:
    """Score every point in FOLDER's .parquet files, 0–100, high is anomalous. 75: one quiet point in 100,000."""
    from detectors.fleet import score_files

    with progress("scoring", quiet=as_json) as advance:
        report = score_files(
            folder,
            model,
            out,
            _kpis(context),
            _zone(context),
            least=least,
            processes=processes,
            dask=dask,
            calendars=Calendars(context.settings),
            progress=advance,
        )
    _show(report, as_json)


def _kpis(context: Context) -> list[Kpi]:
    return judged_kpis(catalogue.load(context.settings))


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.settings.text("network.timezone"))


def _show(report: Any, as_json: bool) -> None:
    values = asdict(report)
    if as_json:
        if "by_resolution" in values:
            values["by_resolution"] = {str(step): count for step, count in values["by_resolution"].items()}
        emit_json(values)
    else:
        emit_pairs({name.replace("_", " "): value for name, value in values.items()})
