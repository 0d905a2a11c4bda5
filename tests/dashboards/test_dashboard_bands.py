"""The normal band of a panel is of the resolution that the series was trained at, and left out where it would be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.build import load
from dashboards.queries import values_of
from infrastructure.store import Operation, Store

ROOT = Path(__file__).resolve().parents[2]
TIMES = {"_tstart": "2026-11-18T00:00:00.000Z", "_tend": "2026-11-19T00:00:00.000Z", "service": "*", "severity": "*"}
ENTITY = {"service": {"name": "voip"}, "entity": {"type": "service", "id": "voip"}}
HOUR = 2 * 24 + 10  # Wednesday 10:00


def point(index: str, at: str, value: float, seconds: int) -> Operation:
    kpi = {"id": "voip.attempts", "value": value, "state": "ok", "resolution": {"sec": seconds}}
    return Operation(
        "index", f"{index}-2026" + (".11" if index == "kpi-5m" else ""), at, {"@timestamp": at, "kpi": kpi, **ENTITY}
    )


def baseline(
    seconds: int, low: float, high: float, zone: str = "UTC", trained: str = "2026-11-17T00:00:00.000Z"
) -> Operation:
    learned: dict[str, Any] = {"hour_of_week": HOUR, "timezone": zone, "lower": low, "upper": high, "trained": trained}
    document = {"kpi": {"id": "voip.attempts"}, "baseline": {**learned, "resolution": {"sec": seconds}}, **ENTITY}
    return Operation("index", "baseline-1", f"{seconds}-{zone}-{trained}", document)


POINTS = [
    point("kpi-5m", "2026-11-18T10:05:00.000Z", 20.0, 300),
    point("kpi-1h", "2026-11-18T10:00:00.000Z", 230.0, 3600),
    point("kpi-5m", "2026-11-17T10:05:00.000Z", 99.0, 300),  # the day before
]


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        ([baseline(300, 10, 30)], ("2026-11-18T10:05:00.000Z", 240.0, 120.0, 360.0)),
        ([baseline(3600, 200, 300)], ("2026-11-18T10:00:00.000Z", 230.0, 200.0, 300.0)),
        ([baseline(3600, 200, 300, "Europe/Berlin")], ("2026-11-18T10:00:00.000Z", 230.0, None, None)),
        ([], ("2026-11-18T10:00:00.000Z", 230.0, None, None)),
        (
            [baseline(300, 1, 2), baseline(300, 10, 30, trained="2026-11-18T00:00:00.000Z")],
            ("2026-11-18T10:05:00.000Z", 240.0, 120.0, 360.0),
        ),
    ],
    ids=["by five minutes", "by the hour", "another zone", "untrained", "trained again"],
)
def test_band_is_of_the_resolution_trained(
    store: Store, baselines: list[Operation], expected: tuple[str, float, float | None, float | None]
) -> None:
    store.write_all([*POINTS, *baselines])
    store.refresh()
    board = next(board for board in load(ROOT).boards if board.name == "noc-overview")
    panel = next(panel for panel in board.panels if panel.name == "calls-band")
    table = store.esql(panel.query, values_of(panel.query, TIMES))
    assert table.rows == [list(expected)]
