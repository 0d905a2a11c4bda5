"""What became of a KPI: windows merged, changes of level, seasons, rankings that are fair to small entities."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UserError
from infrastructure.store import Store
from kpis import bins
from kpis.history import Series, compare, merged, overview, rank, seasons, series, trend
from kpis.history.ranking import Day, ranked
from kpis.history.windows import merge_row
from kpis.tracking import Registry, Tracked, load
from kpis.tracking.points import Value, write

START = datetime(2026, 10, 26, tzinfo=UTC)
DAY = timedelta(days=1)


def _days(values: list[float]) -> Series:
    return Series(START, 86400, np.array(values, dtype=float), np.ones(len(values)))


def _ms(day: int) -> int:
    return round((START + day * DAY).timestamp() * 1000)


def _ratio(entity: str, day: int, numerator: float, denominator: float) -> Value:
    return Value(entity, _ms(day), numerator / denominator, numerator, denominator, int(denominator), "ok")


def _fill(store: Store, name: str, values: list[Value]) -> Tracked:
    one = load(store).find(name)
    write(store, one, values, 86400, store.clock())
    store.refresh("kpi-1d")
    return one


def test_change_of_level_is_found_where_it_is() -> None:
    rng = np.random.default_rng(3)
    values = [100 + noise + (30 if day >= 20 else 0) for day, noise in enumerate(rng.normal(0, 2, 40))]
    found = trend(_days(values))
    assert found is not None and len(found.changes) == 1
    change = found.changes[0]
    assert change.at == START + 20 * DAY
    assert change.before == pytest.approx(100, abs=2) and change.after == pytest.approx(130, abs=2)


@pytest.mark.parametrize("seed", range(8))
def test_noise_and_a_weekly_rhythm_have_no_change_of_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [50 - 15 * (day % 7 >= 5) + noise for day, noise in enumerate(rng.normal(0, 2, 56))]
    found = trend(_days(values))
    assert found is not None and not found.changes and found.word == "level"


def test_slope_is_a_weeks_and_odd_days_do_not_move_it() -> None:
    values = [10 + day / 7 * 3.0 for day in range(28)]
    values[5], values[20] = 500.0, math.nan
    found = trend(_days(values))
    assert found is not None
    assert found.slope == pytest.approx(3.0, rel=0.05) and found.word == "rising"
    assert trend(_days([1.0] * 7)) is None


def test_constant_series_is_level() -> None:
    found = trend(_days([5.0] * 30))
    assert found is not None and (found.slope, found.changes, found.word) == (0.0, (), "level")


def test_seasons_say_how_far_the_day_and_the_week_explain() -> None:
    hours = np.arange(24 * 28)
    day = 10 + 5 * np.sin(2 * np.pi * (hours % 24) / 24)
    found = seasons(Series(START, 3600, day, np.ones(len(day))), ZoneInfo("UTC"))
    assert found is not None and found.daily > 0.99 and found.weekly < 0.01
    assert found.highest_hour == 6 and found.lowest_hour == 18
    weekly = np.where((hours // 24) % 7 >= 5, 1.0, 9.0)
    other = seasons(Series(START, 3600, weekly, np.ones(len(weekly))), ZoneInfo("UTC"))
    assert other is not None and other.daily < 0.01 and other.weekly > 0.99
    assert seasons(_days([1.0] * 30), ZoneInfo("UTC")) is None


def _entity(name: str, size: float, mean: float, rng: np.random.Generator, days: int = 14) -> list[Day]:
    return [Day(name, rng.binomial(int(size), mean) / size, size) for _ in range(days)]


def test_small_entity_with_bad_luck_is_not_the_worst_and_a_large_bad_one_is() -> None:
    rng = np.random.default_rng(1)
    days = [day for number in range(12) for day in _entity(f"trunk_group:T{number}", 4000, 0.95, rng)]
    days += [Day("trunk_group:small", 0.8, 10.0), Day("trunk_group:small", 0.9, 10.0)]
    days += _entity("trunk_group:bad", 4000, 0.90, rng)
    found = {row.entity: row for row in ranked("k", "trunk_group", days, "low").rows}
    assert found["trunk_group:bad"].word == "worse" and found["trunk_group:bad"].place == len(found)
    small = found["trunk_group:small"]
    assert small.value < found["trunk_group:bad"].value < small.fair and small.word == "like the rest"
    assert small.high - small.low > 10 * (found["trunk_group:bad"].high - found["trunk_group:bad"].low)


def test_hardly_any_of_many_equal_entities_is_outside_its_funnel() -> None:
    rng = np.random.default_rng(5)
    days = [day for number in range(300) for day in _entity(f"plan:P{number}", 50 + 10 * number, 0.97, rng)]
    outside = [row for row in ranked("k", "plan", days, "low").rows if row.word != "like the rest"]
    assert len(outside) <= 4


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.floats(0, 1), st.integers(1, 10_000)), min_size=2, max_size=40
    ).filter(lambda rows: len({row[0] for row in rows}) > 1)
)
def test_fair_value_lies_between_the_own_and_the_whole(rows: list[tuple[str, float, int]]) -> None:
    found = ranked("k", "plan", [Day(f"plan:{name}", value, float(size)) for name, value, size in rows], "high")
    assert sorted(row.place for row in found.rows) == list(range(1, len(found.rows) + 1))
    for row in found.rows:
        low, high = sorted((row.value, found.whole))
        assert low - 1e-9 <= row.fair <= high + 1e-9
    assert [row.fair for row in found.rows] == sorted(row.fair for row in found.rows)


def test_windows_merge_parts_sums_and_formulas(store: Store) -> None:
    rows = [_ratio("service:voip", day, 90 + day, 100 * (day + 1)) for day in range(4)]
    ratio = _fill(store, "books.rejected_ratio", [row._replace(entity="network:all") for row in rows])
    registry = load(store)
    found = merged(store, registry, ratio, "network:all", START, START + 4 * DAY)
    assert found.value == pytest.approx(sum(90 + day for day in range(4)) / 1000) and found.buckets == 4
    count = _fill(
        store,
        "network.incidents",
        [Value("network:all", _ms(day), float(day), None, None, day, "ok") for day in range(4)],
    )
    assert merged(store, registry, count, "network:all", START, START + 4 * DAY).value == 6
    whole = overview(store, registry, START, START + 4 * DAY)
    assert whole["books.rejected_ratio", "network:all"] == found
    assert whole["network.incidents", "network:all"].value == 6


def test_formula_over_a_window_is_worked_out_from_merged_inputs_not_averaged(store: Store) -> None:
    ner = load(store).find("voip.ner")
    write(store, ner, [_ratio("service:voip", 0, 1, 2), _ratio("service:voip", 1, 99, 100)], 86400, store.clock())
    store.refresh("kpi-1d")
    registry = load(store)
    failed = registry.find("voip.network_failure_ratio")
    found = merged(store, registry, failed, "service:voip", START, START + 2 * DAY)
    assert found.value == pytest.approx(1 - 100 / 102)
    assert (
        overview(store, registry, START, START + 2 * DAY)["voip.network_failure_ratio", "service:voip"].value
        == found.value
    )


def test_percentile_of_a_window_is_read_from_merged_bins(store: Store) -> None:
    from contracts.clock import from_epoch_ms
    from infrastructure.store import Operation
    from kpis.tracking.points import document

    pdd = load(store).find("voip.pdd_p95")
    assert pdd.cdr is not None
    edge, counts = pdd.cdr.edge, [{0: 95, 40: 5}, {10: 900, 60: 100}]
    operations = []
    for day, own in enumerate(counts):
        source = document(
            pdd, Value("service:voip", _ms(day), 1.0, None, None, sum(own.values()), "ok"), 86400, store.clock()
        )
        source["kpi"]["bins"] = bins.encode(own)
        operations.append(Operation("index", store.place("kpi-1d", from_epoch_ms(_ms(day))), f"p{day}", source))
    store.write_all(operations)
    store.refresh("kpi-1d")
    found = merged(store, load(store), pdd, "service:voip", START, START + 2 * DAY)
    assert found.value == bins.percentile(bins.merged(counts), 0.95, edge) and found.samples == 1100


def test_comparison_is_with_before_the_usual_the_target_and_the_peers(store: Store) -> None:
    values = []
    for day in range(35):
        for name, good in (("TG1", 990), ("TG2", 900 if day >= 28 else 985), ("TG3", 991)):
            values.append(_ratio(f"trunk_group:{name}", day, good + day % 3, 1000))
    ner = _fill(store, "voip.ner", values)
    registry: Registry = load(store)
    found = compare(store, registry, ner, "trunk_group:TG2", START + 28 * DAY, START + 35 * DAY)
    assert found.now.value == pytest.approx(0.901, abs=0.001) and found.before.value == pytest.approx(0.986, abs=0.001)
    assert found.usual == pytest.approx(0.986, abs=0.001) and found.spread is not None and found.spread < 0.001
    assert found.level == "target"
    assert found.place is not None and found.place.place == 3 and found.place.word == "worse"
    assert found.peers is not None and len(found.peers.rows) == 3
    with pytest.raises(UserError, match="no value"):
        compare(store, registry, ner, "trunk_group:TG9", START, START + DAY)
    regions = {"trunk_group:TG1": "north", "trunk_group:TG2": "south", "trunk_group:TG3": "north"}
    by_region = rank(store, ner, "trunk_group", START + 28 * DAY, START + 35 * DAY, groups=regions)
    assert [row.entity for row in by_region.rows] == ["region:north", "region:south"]
    assert by_region.rows[0].samples == 14_000


def test_amounts_are_not_ranked(store: Store) -> None:
    with pytest.raises(UserError, match="is an amount"):
        rank(store, load(store).find("voip.attempts"), "trunk_group", START, START + DAY)


def test_series_has_a_place_for_every_bucket(store: Store) -> None:
    one = _fill(store, "books.rejected_ratio", [_ratio("network:all", day, 1, 4) for day in (0, 1, 4)])
    found = series(store, one, "network:all", START, START + 6 * DAY, 86400)
    assert np.isnan(found.values).tolist() == [False, False, True, True, False, True] and found.known == 3


def test_merged_row_without_values_is_nothing_and_not_zero(store: Store) -> None:
    one = load(store).find("books.rejected_ratio")
    assert merge_row(one, {"a": None, "d": None, "v": None, "m": None, "c": 0, "s": 7}).value is None
