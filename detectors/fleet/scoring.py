"""Scores of one batch: its panel at each series' resolution, beside its baseline, by `detectors.scorers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from detectors.calendars import with_calendar
from detectors.fleet.columns import KEYS
from detectors.fleet.model import Row, baseline_of
from detectors.fleet.plan import Batch
from detectors.fleet.reading import panel_of
from detectors.fleet.training import Span
from detectors.panel import Panel, merged
from detectors.scorers import Scores, by_model
from detectors.subject import Series

_WORDS = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [pa.field(name, _WORDS) for name in KEYS]
    + [pa.field("bucket", pa.timestamp("ms", tz="UTC")), pa.field("step_sec", pa.int32())]
    + [pa.field(name, pa.float32()) for name in ("value", "expected", "score")]
    + [pa.field("high", pa.bool_())]
)


class Scored(NamedTuple):
    """Rows of SCHEMA (judged points of at least the score that is asked for), and how many points were judged at all."""

    table: Any
    judged: int
    points: int


def score_batch(batch: Batch, span: Span, model: str, rows: Mapping[Series, Row], least: float) -> Scored:
    """Scores 0–100, high is anomalous. Series without a baseline are left out: nothing is guessed."""
    panel = with_calendar(panel_of(batch, span.step_sec, span.since_ms, span.until_ms), span.calendar)
    tables, judged = [], 0
    for step in sorted({row.step_sec for row in rows.values()}):
        own = {series: row for series, row in rows.items() if row.step_sec == step}
        chosen = np.array([series in own for series in panel.series], dtype=bool)
        part = merged(panel.rows(chosen), step, span.zone)
        baseline = baseline_of(model, batch.kpi, span.zone, {series: own[series] for series in part.series})
        scores = by_model(part, baseline)
        judged += int(np.isfinite(scores.score).sum())
        tables.append(_table(part, scores, least))
    whole = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return Scored(whole, judged, int(np.isfinite(panel.value).sum()))


def _table(panel: Panel, scores: Scores, least: float) -> Any:
    with np.errstate(invalid="ignore"):
        row, column = (scores.score >= least).nonzero()
    row32 = pa.array(row.astype(np.int32))
    names = zip(*((one.kpi, one.service, one.entity.type, one.entity.id) for one in panel.series), strict=True)
    words = [pa.DictionaryArray.from_arrays(row32, pa.array(each, pa.string())) for each in names]
    numbers = [
        pa.array(part[row, column].astype(np.float32), from_pandas=True)
        for part in (panel.value, scores.expected, scores.score)
    ]
    bucket = pa.array(panel.starts[column]).cast(pa.timestamp("ms", tz="UTC"))
    step = pa.array(np.full(len(row), panel.step_sec, dtype=np.int32))
    high = pa.array(scores.high[row, column])
    return pa.Table.from_arrays([*words, bucket, step, *numbers, high], schema=SCHEMA)
