"""The learned model beside copied rows, independent columns, SDV and the fastest CSV writers, in one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from contracts.errors import UserError
from datagen.bench.child import ask
from datagen.bench.contenders import copied, independent
from datagen.bench.peers import ask_peers, check_peers, scores
from datagen.fidelity import Fidelity, compare_sides
from datagen.fidelity.reading import MOST_ROWS, Side, read_side
from datagen.learn import LearnedModel, learn
from mediation import load_layouts

ROWS, RATE_ROWS = 10_000, 1_000_000
SLICES = (1, 4)  # times `rate_rows`: the slices of a 100-million-row request whose peak memory is measured
MOST_BYTES = 500_000_000
FLAT = 1.05  # how much more the large slice may take than the small one
_NOT_WRITERS = ("learned", "learned, every column", "polars texts")
Say = Callable[[str], None]


def bench_generate(
    sample: Path,
    *,
    rows: int = ROWS,
    rate_rows: int = RATE_ROWS,
    seed: int = 1,
    rounds: int = 3,
    peers: Path | None = None,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Learns `sample`, and measures likeness of `rows` rows, rates on one core over `rate_rows` rows, and peak memory.

    Rates are by processor time, medians of `rounds`. `peers`: an interpreter that has SDV and SDMetrics.
    Raises UserError when the sample cannot be read or learned, or `peers` has not both.
    """
    if peers is not None:
        check_peers(peers)
    real = read_side("REAL", [sample], load_layouts())
    say(f"learning {sample.name}")
    model = learn([sample])
    sides = {
        "learned": _drawn(model, max(rows, real.kept), seed),
        "independent": independent(real, max(rows, real.kept), seed),
        "copied": copied(real, max(rows, real.kept), seed),
    }
    say("comparing")
    found = {name: compare_sides(real, side) for name, side in sides.items()}
    names = [column.name for column in found["learned"].tables.columns]
    say(f"rates, {rate_rows:,} rows, {rounds} rounds")
    path = str(sample.resolve())
    rates = ask("rates", {"sample": [path], "rows": rate_rows, "columns": names, "rounds": rounds})
    say("memory")
    slices = ask("memory", {"sample": [path], "slices": [times * rate_rows for times in SLICES]})["slices"]
    say("generator without a sample")
    plain = ask("plain", {"rows": max(rate_rows // 5, 1000)})
    theirs = None
    if peers is not None:
        say("SDV and SDMetrics")
        theirs = ask_peers(peers, found, real, rows=max(rows, real.kept), rate_rows=rate_rows // 10, rounds=rounds)
    return _figures(sample, real, found, rates, slices, plain, theirs, seed)


def _drawn(model: LearnedModel, rows: int, seed: int) -> Side:
    """Rows of the model as they are written and read again."""
    rng = np.random.Generator(np.random.SFC64(seed))
    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        path = Path(folder) / "learned.csv"
        with path.open("wb") as out:
            out.write("".join(f"{line}\n" for line in model.form.preamble).encode())
            out.write(model.lines(rng, rows))
        side = read_side("SYNTHETIC", [path], load_layouts(), most=MOST_ROWS)
    if side.unreadable:
        raise UserError(f"{side.unreadable} of {rows} lines of the learned model cannot be read again")
    return side


def _figures(
    sample: Path,
    real: Side,
    found: Mapping[str, Fidelity],
    rates: Mapping[str, Any],
    slices: list[dict[str, Any]],
    plain: Mapping[str, Any],
    theirs: Mapping[str, Any] | None,
    seed: int,
) -> dict[str, Any]:
    ours, speeds = found["learned"], rates["rows_per_s"]
    writers = {name: speed for name, speed in speeds.items() if name not in _NOT_WRITERS}
    fastest = max(writers, key=lambda name: writers[name])
    figures: dict[str, Any] = {
        "rows_per_s": speeds["learned"],
        "reference_rows_per_s": writers[fastest],
        "ratio": speeds["learned"] / writers[fastest],
        "peak_rss_bytes": max(each["peak_rss_bytes"] for each in slices),
        "quality": ours.quality,
        "column_shapes": ours.column_shapes,
        "column_pairs": ours.column_pairs,
        "new_row_share": ours.novelty.new,
        "reference_new_row_share": ours.novelty.reference,
        "new_row_share_against_halves": ours.novelty.like_for_like,
        "leave_one_out_new_row_share": ours.novelty.leave_one_out,
        "copies": ours.novelty.copies,
        "new_rows_of": ours.tables.used,
        "all_rows": ours.as_dict()["all_rows"],
        "boundaries": ours.boundaries,
        "sdv_rows_per_s": theirs["sdv_rows_per_s"] if theirs else None,
        "sdv_quality": theirs["ours"]["sdv"]["quality"] if theirs else None,
        "sdv_rows_per_s_wall": theirs["sdv_rows_per_s_wall"] if theirs else None,
        "times_sdv": speeds["learned"] / theirs["sdv_rows_per_s"] if theirs else None,
        "plain_rows_per_s": plain["rows_per_s"],
        "reference_writer": fastest,
        "writers_missing": rates["missing"],
        "rates": {
            name: {"rows_per_s": speeds[name], "rows_per_s_wall": rates["rows_per_s_wall"][name]} for name in speeds
        },
        "plain": dict(plain),
        "memory": slices,
        "contenders": {name: scores(each) for name, each in found.items()},
        "sample": sample.name,
        "sample_rows": real.rows,
        "synthetic_rows": ours.synthetic.kept,
        "columns": [column.name for column in ours.columns],
        "left_out": ours.tables.left_out,
        "seed": seed,
    }
    if theirs:
        figures["contenders"]["sdv"] = {key: theirs["ours"]["sdv"][key] for key in figures["contenders"]["learned"]}
        figures["sdmetrics"] = _agreement(theirs)
        figures["peers"] = theirs["versions"]
    figures["targets"] = _targets(figures)
    return figures


def _agreement(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """SDMetrics' own scores of the same rows, and how far ours are from them at most."""
    apart = [
        abs(scores[key] - theirs["ours"][name][key])
        for name, scores in theirs["sdmetrics"].items()
        for key in ("quality", "column_shapes", "column_pairs", "boundaries", "new_rows")
        if scores[key] is not None and not math.isnan(scores[key]) and theirs["ours"][name][key] is not None
    ]
    return {"scores": theirs["sdmetrics"], "furthest_apart": max(apart, default=None)}


def _targets(figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the learned model is meant to reach: figure, bound and whether it does; None where it was not measured."""
    small, large = (each["peak_rss_bytes"] for each in figures["memory"])
    least = {
        "quality": (figures["quality"], 0.95),
        "column_shapes": (figures["column_shapes"], 0.93),
        "column_pairs": (figures["column_pairs"], 0.93),
        "new_row_share": (figures["new_row_share"], figures["reference_new_row_share"]),
        "new_row_share_against_halves": (figures["new_row_share_against_halves"], figures["reference_new_row_share"]),
        "new_row_share, leave one out": (figures["new_row_share"], figures["leave_one_out_new_row_share"]),
        "times_sdv": (figures["times_sdv"], 5.0),
        "ratio": (figures["ratio"], 0.5),
    }
    most = {
        "copies": (figures["copies"], 0.01),
        "peak_rss_bytes": (figures["peak_rss_bytes"], MOST_BYTES),
        "large_slice_of_small": (large / small, FLAT),
    }
    rows = {name: (value, bound, "at least", _met(value, bound, 1)) for name, (value, bound) in least.items()}
    rows |= {name: (value, bound, "at most", _met(value, bound, -1)) for name, (value, bound) in most.items()}
    return {name: dict(zip(("figure", "bound", "is", "met"), row, strict=True)) for name, row in rows.items()}


def _met(value: float | None, bound: float | None, sign: int) -> bool | None:
    return None if value is None or bound is None else sign * value >= sign * bound
