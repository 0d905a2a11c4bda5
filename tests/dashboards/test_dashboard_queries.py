"""Every query is true: asked on a real node after the whole way was gone once, with columns, types and rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from contracts.clock import iso, parse_iso
from dashboards.build import load
from dashboards.check import ask_all, query_of
from dashboards.kinds import KINDS
from dashboards.model import Dashboard, Panel
from dashboards.queries import values_of
from infrastructure.store import Table
from tests.dashboards.demo_load import Loaded

ROOT = Path(__file__).resolve().parents[2]
DEFINED = load(ROOT)
PANELS = {
    f"{board.name}/{panel.name}": (board, panel)
    for board in DEFINED.boards
    for panel in board.panels
    if KINDS[panel.kind].family != "text"
}
SEARCHES = {search.name: search for search in DEFINED.searches}
UNIT = re.compile(r"\(.+\)$")


def asked(loaded: Loaded, board: Dashboard, panel: Panel, **chosen: str) -> Table:
    given = {"_tstart": iso(loaded.since), "_tend": iso(loaded.until), **board.variables, **chosen}
    return loaded.store.esql(panel.query, values_of(panel.query, given))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("name", PANELS)
def test_panel_answers_with_its_columns_types_and_rows(demo_load: Loaded, name: str) -> None:
    board, panel = PANELS[name]
    table = asked(demo_load, board, panel)
    assert set(panel.columns) <= set(table.columns)
    assert table.rows or panel.may_be_empty, "nothing in the demo, and no reason given"
    family = KINDS[panel.kind].family
    if family == "table":
        for column in panel.values:
            numbers = [value for value in table.column(column) if value is not None and is_number(value)]
            assert not numbers or UNIT.search(column), f"{column} holds numbers and names no unit"
        return
    numeric = [*panel.values, *(panel.extra[part] for part in ("max", "min", "goal") if part in panel.extra)]
    for column in numeric:
        values = table.column(column)
        assert all(value is None or is_number(value) for value in values), column
        assert any(value is not None for value in values), f"{column} is never there"
    if panel.x == "time":
        times = [parse_iso(time) for time in table.column("time")]
        assert times == sorted(times)
    for column in panel.by:
        assert all(value is None or isinstance(value, str) for value in table.column(column)), column


@pytest.mark.parametrize("name", [name for name, (board, _) in PANELS.items() if board.variables])
def test_panel_heeds_what_a_viewer_chooses(demo_load: Loaded, name: str) -> None:
    """A value that nobody has empties every panel that knows the variable, or leaves zeros."""
    board, panel = PANELS[name]
    known = [variable for variable in board.variables if f"?{variable}" in panel.query]
    for variable in known:
        table = asked(demo_load, board, panel, **{variable: "no such thing"})
        shown = [value for column in panel.values for value in table.column(column) if value]
        assert not shown, variable


@pytest.mark.parametrize("name", SEARCHES)
def test_search_finds_something_in_the_demo(demo_load: Loaded, name: str) -> None:
    search = SEARCHES[name]
    query = query_of(search)
    given = {"_tstart": iso(demo_load.since), "_tend": iso(demo_load.until)}
    table = demo_load.store.esql(query, values_of(query, given))
    assert table.rows or search.may_be_empty, "nothing in the demo, and no reason given"
    assert set(search.columns) <= set(table.columns)


def test_controls_offer_all_and_what_there_is(demo_load: Loaded) -> None:
    offered = {}
    for control in DEFINED.controls:
        if control.query:
            table = demo_load.store.esql(control.query)
            assert len(table.columns) == 1, "Kibana takes the values of a control from the only column"
            offered[control.name] = set(table.column(table.columns[0]))
            assert "*" in offered[control.name]
    assert offered["trunk-group"] >= {"TG1", "TG2", "TG3", "TG4"}
    assert "internet" in offered["apn"]
    assert {"voip", "sms", "epc"} <= offered["any-service"]


def test_rules_answer_and_find_what_was_wrong_in_the_demo(demo_load: Loaded) -> None:
    answers = {
        answer.name: answer
        for answer in ask_all(demo_load.store, (), (), DEFINED.rules, (), demo_load.since, demo_load.until)
    }
    assert {name: answer.problem for name, answer in answers.items() if answer.problem} == {}
    assert answers["service-bad"].rows
    assert answers["files-late"].rows
    assert not answers["books-unbalanced"].rows


def test_ratios_are_sums_over_sums_and_never_means_of_ratios() -> None:
    """kpi.value of a ratio, mean or percentile may be shown as stored or compared, never averaged or summed."""
    for name, (_, panel) in PANELS.items():
        assert "AVG(" not in panel.query, name
        assert not re.search(r"(MEDIAN|PERCENTILE)\(kpi\.", panel.query), name
        if re.search(r"SUM\(kpi\.value\)", panel.query):
            counts = {"voip.attempts", "mobile_voice.attempts", "sms.volume", "epc.sessions", "epc.volume"}
            assert set(re.findall(r'"((?:voip|mobile_voice|sms|epc)\.[a-z_0-9]+)"', panel.query)) <= counts | (
                # the table of trunk groups sums counts only: each CASE names the one KPI whose sum it takes
                {"voip.asr", "voip.ner", "voip.acd", "voip.carried_erlang"}
                if name == "voip-trunks/trunk-table"
                else set()
            ), name


def test_established_share_is_what_the_points_say(demo_load: Loaded) -> None:
    board, panel = PANELS["kpi-targets/reached"]
    reached = {row["kpi.id"]: row["reached (%)"] for row in asked(demo_load, board, panel).dicts()}
    points = demo_load.store.esql(
        'FROM kpi-5m | WHERE @timestamp >= ? AND @timestamp < ? AND kpi.id == "voip.ner" AND entity.type == "service"'
        " | KEEP kpi.numerator, kpi.denominator | LIMIT 9999",
        [demo_load.since, demo_load.until],
    ).dicts()
    share = sum(row["kpi.numerator"] or 0 for row in points) / sum(row["kpi.denominator"] or 0 for row in points)
    assert reached["voip.ner"] == pytest.approx(100 * share, abs=0.001)


def test_band_of_a_point_is_the_one_of_its_hour_of_the_week(demo_load: Loaded) -> None:
    board, panel = PANELS["noc-overview/ner-band"]
    bands = {
        row["baseline.hour_of_week"]: row
        for row in demo_load.store.esql(
            'FROM baseline | WHERE kpi.id == "voip.ner" AND entity.type == "service"'
            " | KEEP baseline.hour_of_week, baseline.lower, baseline.upper"
        ).dicts()
    }
    rows = asked(demo_load, board, panel).dicts()
    assert len(rows) > 40
    for row in rows:
        time = parse_iso(row["time"])
        band = bands[time.weekday() * 24 + time.hour]
        assert row["normal from"] == pytest.approx(100 * band["baseline.lower"])
        assert row["normal to"] == pytest.approx(100 * band["baseline.upper"])
