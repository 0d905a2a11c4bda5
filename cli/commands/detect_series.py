"""`busyhour detect-series`: a score for every row of any time series."""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from cli.context import examples, json_option
from cli.output import emit_json, emit_pairs
from contracts.errors import UserError


@click.command(
    "detect-series",
    epilog=examples(
        "busyhour detect-series cpu.csv --out scored.csv",
        "busyhour detect-series taxi.csv --timestamp hour --value passengers --out scored.csv --json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File to write: the same rows with anomaly_score."
)
@click.option(
    "--timestamp", default="timestamp", show_default=True, help="Column of the times: ISO, or seconds or ms since 1970."
)
@click.option(
    "--value", default="value", show_default=True, help="Column of the values; empty, NaN and infinite ones are absent."
)
@json_option
def detect_series(file: Path, out: Path, timestamp: str, value: str, as_json: bool) -> None:
    """Score each row of FILE, a CSV with a header and any step from seconds to days, from that row and earlier ones only.

    OUT has the same rows and columns and one more, anomaly_score: 0 to 1, 0.5 or more is worth an alarm. The first 15 % of
    the rows, at most 750, are on probation: too little was seen, and their alarms are not counted. Needs no node.
    """
    from detectors.series import ALARM, probation, read_series, score_series, write_scores

    if out.exists() and file.exists() and out.samefile(file):
        raise UserError("is the file to read", where=str(out), remedy="name another file with --out")
    began = time.monotonic()
    series = read_series(file, timestamp=timestamp, value=value)
    scores = score_series(series.values, series.seconds)
    write_scores(out, series, scores)
    answer = {
        "rows": len(scores),
        "absent": int(np.isnan(series.values).sum()),
        "probation": probation(len(scores)),
        "alarms": int((scores[probation(len(scores)) :] >= ALARM).sum()),
        "highest": float(scores.max(initial=0.0)),
        "out": str(out),
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        emit_json(answer)
    else:
        emit_pairs(answer)
