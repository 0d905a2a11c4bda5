"""Panels: absent is never zero, parts are summed, days are the zone's own."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from contracts.entities import Entity
from detectors.panel import from_frame, local_time, merged
from tests.detectors.simulator import KPIS

UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def _ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]


def _frame(rows: list[tuple[int, float, float, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "kpi": "voip.ner", "service": "voip", "entity_type": "trunk_group", "entity_id": "TG1", "bucket": bucket,
                "value": value, "numerator": part, "denominator": whole, "samples": whole, "state": state,
            }
            for bucket, value, part, whole, state in rows
        ]
    )  # fmt: skip


def test_panel_keeps_absent_apart_from_zero_when_a_bucket_has_no_point() -> None:
    start = _ms(2026, 11, 2)
    frame = _frame(
        [
            (start, 0.0, 0.0, 4.0, "ok"),
            (start + 600_000, np.inf, np.nan, np.nan, "ok"),
            (start + 900_000, np.nan, np.nan, np.nan, "no_data"),
        ]
    )
    panel = from_frame(frame, KPIS["voip.ner"], 300, start, start + 1_500_000)
    assert panel.series[0].entity == Entity("trunk_group", "TG1")
    assert panel.value[0, 0] == 0
    assert np.isnan(panel.value[0, 1:]).all()
    assert panel.silent[0].tolist() == [False, False, False, True, False]
    assert panel.coverage[0].tolist() == [1, 0, 0, 0, 0]


def test_merged_sums_parts_when_ratios_have_different_sizes() -> None:
    start = _ms(2026, 11, 2)
    rows = [
        (start + 300_000 * i, 0.0, part, whole, "ok")
        for i, (part, whole) in enumerate([(1, 1), (0, 9)] + [(0, 0)] * 10)
    ]
    hour = merged(from_frame(_frame(rows), KPIS["voip.ner"], 300, start, start + 3_600_000), 3600, UTC_ZONE)
    assert hour.value[0, 0] == 0.1
    assert hour.denominator[0, 0] == 10


def test_merged_days_begin_at_local_midnight_when_clocks_change() -> None:
    since, until = _ms(2026, 10, 23, 22), _ms(2026, 10, 26, 23)  # Sat, Sun (25 h) and Mon of Berlin
    rows = [(at, 1.0, 1.0, 1.0, "ok") for at in range(since, until, 3_600_000)]
    days = merged(from_frame(_frame(rows), KPIS["voip.ner"], 3600, since, until), 86400, BERLIN)
    assert days.starts.tolist() == [_ms(2026, 10, 23, 22), _ms(2026, 10, 24, 22), _ms(2026, 10, 25, 23)]
    assert days.denominator[0].tolist() == [24, 25, 24]


def test_merged_leaves_out_days_that_are_there_in_part() -> None:
    since, until = _ms(2026, 11, 2, 12), _ms(2026, 11, 4, 12)
    rows = [(at, 1.0, 1.0, 1.0, "ok") for at in range(since, until, 3_600_000)]
    days = merged(from_frame(_frame(rows), KPIS["voip.ner"], 3600, since, until), 86400, UTC_ZONE)
    assert days.starts.tolist() == [_ms(2026, 11, 3)]


def test_local_time_is_the_zones_own_when_clocks_change() -> None:
    since, until = _ms(2026, 10, 25, 0), _ms(2026, 10, 25, 4)
    rows = [(at, 1.0, 1.0, 1.0, "ok") for at in range(since, until, 3_600_000)]
    panel = from_frame(_frame(rows), KPIS["voip.ner"], 3600, since, until)
    sunday = 6 * 24
    assert local_time(panel, BERLIN).cell.tolist() == [sunday + 2, sunday + 2, sunday + 3, sunday + 4]
    assert local_time(panel, UTC_ZONE).cell.tolist() == [sunday, sunday + 1, sunday + 2, sunday + 3]


def test_panel_is_empty_when_there_are_no_points() -> None:
    panel = from_frame(
        _frame([]).reindex(columns=_frame([(0, 1, 1, 1, "ok")]).columns), KPIS["voip.ner"], 300, 0, 900_000
    )
    assert panel.series == ()
    assert panel.value.shape == (0, 3)
