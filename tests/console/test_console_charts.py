"""Pictures of panels: every kind has one, and it shows the numbers of the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charts import picture
from console.charts.common import MOST_SERIES
from console.errors import RequestError
from console.timerange import LONGEST, time_range
from dashboards.kinds import KINDS
from dashboards.model import Panel, Threshold
from infrastructure.esql import Table

NOW = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)
TIMES = ["2026-11-20T10:00:00.000Z", "2026-11-20T11:00:00.000Z"]


def _panel(kind: str, **values: Any) -> Panel:
    given = {
        "index": "kpi-1h",
        "query": "FROM kpi-1h",
        "at": (0, 0, 1, 1),
        "values": ("n",),
        "x": "time",
        "by": ("entity.id",),
    }
    return Panel(name="p", title="P", kind=kind, **(given | values))


TABLE = Table(["time", "entity.id", "n"], [[TIMES[0], "TG1", 1], [TIMES[0], "TG2", 3], [TIMES[1], "TG1", 2]])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
def test_every_kind_has_a_picture_that_travels_as_json(kind: str) -> None:
    found = picture(_panel(kind), TABLE)
    assert found["kind"] in ("chart", "tiles", "table", "words")
    assert orjson.loads(orjson.dumps(found)) == found


def test_lines_have_a_series_for_each_part_in_the_order_of_names() -> None:
    option = picture(_panel("line"), TABLE)["option"]
    assert [series["name"] for series in option["series"]] == ["TG1", "TG2"]
    assert option["series"][0]["data"] == [[TIMES[0], 1], [TIMES[1], 2]]
    assert option["xAxis"]["type"] == "time"


def test_stacked_parts_have_a_value_at_every_place_and_shares_make_a_hundred() -> None:
    option = picture(_panel("bar_percentage_stacked"), TABLE)["option"]
    shares = {series["name"]: [y for _, y in series["data"]] for series in option["series"]}
    assert shares == {"TG1": [25.0, 100.0], "TG2": [75.0, 0]}


def test_horizontal_bars_swap_the_axes() -> None:
    option = picture(_panel("bar_horizontal", x="entity.id", by=()), TABLE)["option"]
    assert option["yAxis"]["data"] == ["TG1", "TG2"]
    assert option["series"][0]["data"][0] == [2, "TG1"]


def test_many_series_are_cut_and_it_is_said() -> None:
    rows = [[TIMES[0], f"TG{number}", number] for number in range(100)]
    found = picture(_panel("line"), Table(["time", "entity.id", "n"], rows))
    assert len(found["option"]["series"]) == MOST_SERIES
    assert found["cut"] == 100 - MOST_SERIES


def test_tile_has_the_colour_of_the_highest_threshold_reached() -> None:
    thresholds = (Threshold(0, "bad"), Threshold(60, "warn"), Threshold(90, "good"))
    table = Table(["entity.id", "n"], [["a", 95], ["b", 60], ["c", 10], ["d", None]])
    tiles = picture(_panel("metric", thresholds=thresholds), table)["tiles"]
    assert [tile["colour"] for tile in tiles] == ["#0072B2", "#E69F00", "#D55E00", ""]


def test_absent_numbers_are_gaps_never_zero() -> None:
    table = Table(["time", "entity.id", "n"], [[TIMES[0], "TG1", None], [TIMES[1], "TG1", 2]])
    assert picture(_panel("line"), table)["option"]["series"][0]["data"] == [[TIMES[1], 2]]
    assert picture(_panel("heatmap", x="time"), table)["option"]["series"][0]["data"] == [[1, 0, 2]]


@given(st.text(max_size=30), st.text(max_size=30))
def test_time_range_is_right_or_refused(since: str, until: str) -> None:
    try:
        found = time_range(since, until, NOW, 30)
    except RequestError:
        return
    assert found.since < found.until
    assert found.length <= LONGEST


@given(st.integers(1, 3000), st.sampled_from("smhd"))
def test_relative_time_is_that_long(count: int, unit: str) -> None:
    seconds = count * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    found = time_range(f"now-{count}{unit}", "now", NOW, 30)
    assert found.length == timedelta(seconds=seconds)
    assert found.until == NOW.replace(second=30)


def test_whole_days_reach_to_the_end_of_the_day() -> None:
    found = time_range("now-1d/d", "now/d", NOW, 30)
    assert (found.since.isoformat(), found.until.isoformat()) == (
        "2026-11-19T00:00:00+00:00",
        "2026-11-21T00:00:00+00:00",
    )
