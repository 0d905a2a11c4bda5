"""A batch of series as a panel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from contracts.errors import UserError
from detectors.fleet.columns import PARTS, equal_to, milliseconds, numbers
from detectors.fleet.plan import Batch, opened
from detectors.panel import USABLE_STATES, Bools, Floats, Ints, Panel


def panel_of(batch: Batch, step_sec: int, since_ms: int, until_ms: int) -> Panel:
    """Panel of the batch's series over all buckets of [since, until).

    Numbers that cannot be (not finite, negative counts, more hits than trials) are absent. Of two rows of one bucket the last
    wins. Raises UserError where a bucket does not begin on the grid of `step_sec`.
    """
    table = _table(batch)
    step = step_sec * 1000
    first = -(-since_ms // step) * step
    starts = np.arange(first, until_ms - step + 1, step, dtype=np.int64)
    at = milliseconds(table.column("bucket"))
    _check_grid(at, step, batch)
    column = (at - first) // step
    row = np.repeat(np.arange(len(batch.runs)), [run.rows for run in batch.runs])
    inside = (column >= 0) & (column < len(starts))
    place = _Place(row * len(starts) + column, inside, (len(batch.runs), len(starts)))
    return _panel(batch, step_sec, starts, table, place)


def _table(batch: Batch) -> Any:
    begin, end = batch.runs[0].first, batch.runs[-1].first + batch.runs[-1].rows
    try:
        file = opened(batch.file)
        names = [name for name in ("bucket", *PARTS, "state") if name in file.schema_arrow.names]
        return file.read_row_groups(list(batch.groups), columns=names, use_threads=False).slice(begin, end - begin)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"cannot be read: {str(error).splitlines()[0][:200]}", where=batch.file) from error


def _check_grid(at: Ints, step: int, batch: Batch) -> None:
    off = np.flatnonzero(at % step)
    if len(off):
        row = int(off[0])
        remedy = f"round buckets down to whole {step // 1000} s of UTC, or name another --step"
        raise UserError(
            f"bucket {int(at[row])} ms does not begin on a whole {step // 1000} s", where=batch.file, remedy=remedy
        )


class _Place:
    """Where rows belong in the arrays (series, buckets)."""

    def __init__(self, flat: Ints, inside: Bools, shape: tuple[int, int]) -> None:
        self.shape, self.all = shape, bool(inside.all())
        self.inside = inside
        self.flat = flat if self.all else flat[inside]

    def put(self, values: Floats | Bools, blank: float | bool) -> Any:
        array = np.full(self.shape, blank)
        array.reshape(-1)[self.flat] = values if self.all else values[self.inside]
        return array


def _panel(batch: Batch, step_sec: int, starts: Ints, table: Any, place: _Place) -> Panel:
    found = {name: numbers(table.column(name)) for name in PARTS if name in table.column_names}
    silent = np.zeros(place.shape, dtype=bool)
    if "state" in table.column_names:
        usable = equal_to(table.column("state"), USABLE_STATES)
        found = {name: np.where(usable, part, np.nan) for name, part in found.items()}
        silent = place.put(equal_to(table.column("state"), ("no_data",)), False)
    parts = _possible(batch, found, len(table))
    arrays: dict[str, Any] = {
        name: place.put(parts[name], np.nan) if name in parts else np.full(place.shape, np.nan) for name in PARTS
    }
    present = np.isfinite(arrays["value"]) | np.isfinite(arrays["denominator"])
    series = tuple(run.series for run in batch.runs)
    return Panel(batch.kpi, step_sec, series, starts, coverage=present.astype(float), silent=silent, **arrays)


def _possible(batch: Batch, found: dict[str, Floats], rows: int) -> dict[str, Floats]:
    """Parts that fit each other; what is left out of a file is made from the others."""
    nothing = np.full(rows, np.nan)
    value, samples = found.get("value", nothing), found.get("samples")
    numerator, denominator = found.get("numerator"), found.get("denominator")
    model = batch.kpi.model
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if model == "count":
            value = np.where(value >= 0, value, np.nan)
            return {"value": value, "samples": value if samples is None else np.where(samples >= 0, samples, np.nan)}
        if numerator is None or denominator is None:
            if model == "ratio":
                raise UserError(f"{batch.kpi.id} is a ratio: it needs numerator and denominator", where=batch.file)
            return {"value": value, "samples": nothing if samples is None else np.where(samples >= 0, samples, np.nan)}
        fits = denominator >= 0
        if model == "ratio":
            fits &= (numerator >= 0) & (numerator <= denominator)
        numerator, denominator = np.where(fits, numerator, np.nan), np.where(fits, denominator, np.nan)
        value = np.where(denominator > 0, numerator / denominator, np.nan)
    samples = denominator if samples is None else np.where(samples >= 0, samples, np.nan)
    return {"value": value, "numerator": numerator, "denominator": denominator, "samples": samples}
