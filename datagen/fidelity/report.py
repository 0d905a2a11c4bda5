"""The order of the steps: read both sides, put them side by side, score columns, pairs, novelty and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datagen.fidelity.columns import Tables, side_by_side
from datagen.fidelity.novelty import Novelty, novelty
from datagen.fidelity.reading import MOST_ROWS, Side, read_side
from datagen.fidelity.scores import ColumnScore, PairScore, column_score, mean, pair_scores
from datagen.fidelity.timing import TimeScores, time_scores
from mediation import load_layouts
from mediation.layout import Layout


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How alike two sides are; scores 0–1, high is alike, None where not defined. `timeless`: why `time` is None.

    `novelty` is of the rows that `tables.used` names, `novelty_of_all` of all rows.
    """

    quality: float | None
    column_shapes: float | None
    column_pairs: float | None
    boundaries: float | None
    novelty: Novelty
    novelty_of_all: Novelty
    columns: tuple[ColumnScore, ...]
    pairs: tuple[PairScore, ...]
    time: TimeScores | None
    timeless: str
    tables: Tables
    real: Side
    synthetic: Side

    def as_dict(self) -> dict[str, Any]:
        """For machines; the first five keys are relied on."""
        new = self.novelty
        return {
            "quality": self.quality,
            "column_shapes": self.column_shapes,
            "column_pairs": self.column_pairs,
            "new_row_share": new.new,
            "reference_new_row_share": new.reference,
            "reference_new_row_share_range": [new.lowest, new.highest],
            "new_row_share_against_halves": new.like_for_like,
            "leave_one_out_new_row_share": new.leave_one_out,
            "copies": new.copies,
            "reference_copies": new.reference_copies,
            "all_rows": _all_rows(self.novelty_of_all),
            "boundaries": self.boundaries,
            "new_rows_of": self.tables.used,
            "rows": {
                "real": self.real.rows,
                "synthetic": self.synthetic.rows,
                "real_compared": self.real.kept,
                "synthetic_compared": self.synthetic.kept,
                "real_new_rows_of": new.real_rows,
                "synthetic_new_rows_of": new.synthetic_rows,
            },
            "sides": {side.what.lower(): _side(side) for side in (self.real, self.synthetic)},
            "columns": [asdict(column) for column in self.columns],
            "left_out": self.tables.left_out,
            "pairs": [asdict(pair) for pair in self.pairs],
            "time": None if self.time is None else _time(self.time),
            "time_left_out": self.timeless or None,
        }


def compare(
    real: Sequence[Path],
    synthetic: Sequence[Path],
    *,
    layouts: Mapping[str, Layout] | None = None,
    wanted: str | None = None,
    most: int = MOST_ROWS,
) -> Fidelity:
    """Scores files or folders of synthetic records against real ones; `most`: rows of a side that are held.

    Raises UserError when a side cannot be read or is empty, and when no column is left to compare.
    """
    known = load_layouts() if layouts is None else layouts
    ours = read_side("REAL", real, known, wanted=wanted, most=most)
    theirs = read_side("SYNTHETIC", synthetic, known, wanted=None, like=ours, most=most)
    return compare_sides(ours, theirs)


def compare_sides(real: Side, synthetic: Side) -> Fidelity:
    """Of two sides that were read; raises UserError when no column is left to compare."""
    tables = side_by_side(real, synthetic)
    columns = tuple(column_score(column) for column in tables.columns)
    pairs = tuple(pair_scores(tables.columns))
    shapes = mean([column.shape for column in columns])
    trends = mean([pair.score for pair in pairs if pair.counts])
    time = time_scores(real.slots, synthetic.slots)
    new = novelty(tables.columns, tables.real_used, tables.synthetic_used)
    every = [np.ones(side.kept, np.bool_) for side in (real, synthetic)]
    return Fidelity(
        quality=mean([shapes, trends]),
        column_shapes=shapes,
        column_pairs=trends,
        boundaries=mean([column.boundary for column in columns]),
        novelty=new,
        novelty_of_all=new if tables.used == "all rows" else novelty(tables.columns, every[0], every[1]),
        columns=columns,
        pairs=pairs,
        time=time,
        timeless="" if time else _timeless(real, synthetic),
        tables=tables,
        real=real,
        synthetic=synthetic,
    )


def _all_rows(new: Novelty) -> dict[str, Any]:
    return {
        "new_row_share": new.new,
        "reference_new_row_share": new.reference,
        "new_row_share_against_halves": new.like_for_like,
        "leave_one_out_new_row_share": new.leave_one_out,
        "copies": new.copies,
    }


def _timeless(real: Side, synthetic: Side) -> str:
    sides = [side.what for side in (real, synthetic) if not side.slots]
    return f"{' and '.join(sides)} {'has' if len(sides) == 1 else 'have'} no times"


def _side(side: Side) -> dict[str, Any]:
    return {
        "files": side.files,
        "layouts": sorted(side.layouts) or ["none: CSV with a header"],
        "rows": side.rows,
        "compared": side.kept,
        "unreadable": side.unreadable,
        "without_time": side.timeless if side.slots else side.rows,
        "skipped": side.skipped,
    }


def _time(scores: TimeScores) -> dict[str, Any]:
    ours, theirs = scores.real, scores.synthetic
    found: dict[str, Any] = {
        "hour_of_week_distance": scores.hour_of_week,
        "hour_of_week_distance_by_chance": scores.hour_of_week_noise,
        "hour_of_day_distance": scores.hour_of_day,
        "hour_of_day_distance_by_chance": scores.hour_of_day_noise,
        "autocorrelation_difference": scores.autocorrelation_difference,
        "slot_minutes": scores.slot_minutes,
    }
    for name, side in (("real", ours), ("synthetic", theirs)):
        found[name] = {
            "days": side.days,
            "rows": side.rows,
            "dispersion": side.dispersion,
            "dispersion_around_profile": side.dispersion_around_profile,
            "excess": side.excess,
            "excess_around_profile": side.excess_around_profile,
            "autocorrelation": {f"{hours}h": side.lag(hours) for hours in (1, 24, 168)},
            "rows_an_hour_of_week": [None if np.isnan(value) else float(value) for value in side.profile],
        }
    return found
