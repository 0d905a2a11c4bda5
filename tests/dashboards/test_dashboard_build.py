"""Kibana's saved objects: checked in, importable, with Kibana's own keys, on queries that the real node answers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from dashboards.build import build, write_built
from dashboards.lens import attributes
from dashboards.model import Dashboard, Panel, dashboard, data_views, searches
from infrastructure.store import Operation, Store

ROOT = Path(__file__).resolve().parents[2]
SINCE, UNTIL = "2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z"
NOON = "2026-11-20T12:00:00.000Z"
# Which of Kibana's own charts our kinds are to have the keys of: without and with `by`.
TWINS = {
    ("metric", False): "metric-basic-esql",
    ("metric", True): "metric-with-breakdown-esql",
    ("line", False): "xy-chart-esql",
    ("line", True): "xy-chart-bar-stacked-esql",
    ("bar", True): "xy-chart-bar-stacked-esql",
    ("bar", False): "xy-chart-bar-esql",
    ("table", False): "datatable-multi-column-esql",
}
DOCUMENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "service-state-2026.11",
        "s1",
        {"@timestamp": "2026-11-20T11:00:00.000Z", "service": {"name": "voip"}, "state": {"value": 100.0}},
    ),
    ("service-state-2026.11", "s2", {"@timestamp": NOON, "service": {"name": "voip"}, "state": {"value": 41.5}}),
    ("service-state-2026.11", "s3", {"@timestamp": NOON, "service": {"name": "sms"}, "state": {"value": 97.0}}),
    (
        "incident-1",
        "i1",
        {"@timestamp": NOON, "incident": {"id": "i1", "status": "open", "title": "TG6 down", "score": 91.0}},
    ),
    ("alert-1", "a1", {"@timestamp": NOON, "alert": {"status": "firing", "severity": "critical", "starts_at": NOON}}),
    ("ticket-1", "t1", {"@timestamp": NOON, "ticket": {"id": "t1", "state": "new", "title": "TG6 down"}}),
    (
        "anomaly-1",
        "n1",
        {
            "@timestamp": NOON,
            "entity": {"type": "trunk_group", "id": "TG6"},
            "anomaly": {"status": "open", "score": 91.0},
        },
    ),
    *[
        (
            "kpi-5m-2026.11",
            f"k-{kpi}",
            {
                "@timestamp": NOON,
                "entity": {"type": "service", "id": "all"},
                "kpi": {"id": kpi, "numerator": 71.0, "denominator": 100.0, "value": 100.0},
            },
        )
        for kpi in ("voip.asr", "voip.attempts")
    ],
]


def boards() -> list[Dashboard]:
    return [dashboard(path) for path in sorted((ROOT / "kibana/dashboards").glob("*.yml"))]


def panels() -> list[Panel]:
    return [panel for board in boards() for panel in board.panels]


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    """Every key with its way from the top; names that a layer or a view goes by are `*`, rows of a list are one."""
    if isinstance(value, dict):
        for key, child in value.items():
            name = "*" if path.endswith(("layers", "adHocDataViews")) else key
            yield f"{path}.{name}"
            yield from key_paths(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from key_paths(child, f"{path}[]")


def test_saved_objects_are_checked_in_when_the_yaml_changed() -> None:
    for path, text in build(ROOT).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale: run `busyhour dashboards build`"
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "kibana/saved_objects").iterdir()} == set(build(ROOT))


def test_write_built_changes_nothing_when_run_again(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kibana", tmp_path / "kibana")
    (tmp_path / "kibana/saved_objects/gone.ndjson").write_text("{}\n")
    (tmp_path / "kibana/saved_objects/searches.ndjson").write_text("old\n")
    assert sorted(write_built(tmp_path)) == ["kibana/saved_objects/gone.ndjson", "kibana/saved_objects/searches.ndjson"]
    assert write_built(tmp_path) == []


def test_saved_objects_are_one_json_object_a_line_with_references_that_exist() -> None:
    objects = [json.loads(line) for text in build(ROOT).values() for line in text.splitlines()]
    ids = {(row["type"], row["id"]) for row in objects}
    assert len(ids) == len(objects)
    for row in objects:
        assert {"attributes", "coreMigrationVersion", "typeMigrationVersion", "references"} <= set(row)
        for reference in row["references"]:
            assert (reference["type"], reference["id"]) in ids
        for key in ("panelsJSON", "optionsJSON"):
            if key in row["attributes"]:
                json.loads(row["attributes"][key])


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.name)
def test_panel_has_the_keys_of_kibanas_own_chart(panel: Panel) -> None:
    folder = Path(os.environ.get("KIBANA_LENS", ROOT.parent / "shared" / "kibana-lens"))
    if not folder.is_dir():
        pytest.skip(f"no charts of Kibana's own at {folder} (set KIBANA_LENS to a folder that holds them)")
    example = json.loads((folder / f"{TWINS[panel.kind, bool(panel.by)]}.json").read_text(encoding="utf-8"))
    view = ".state.adHocDataViews.*."  # an empty object in the examples; Kibana itself fills it
    ours = {path for path in key_paths(attributes(panel, "@timestamp")) if not path.startswith(view)}
    assert ours == set(key_paths(example))


def test_accessors_name_columns_that_exist() -> None:
    for panel in panels():
        state = attributes(panel, "@timestamp")["state"]
        known = {row["columnId"] for row in state["datasourceStates"]["textBased"]["layers"]["layer_0"]["columns"]}
        shown = state["visualization"]
        used = {shown[key] for key in ("metricAccessor", "breakdownByAccessor") if key in shown}
        used |= {row["columnId"] for row in shown.get("columns", [])}
        for layer in shown.get("layers", []):
            used |= {layer["xAccessor"], *layer["accessors"]} | (
                {layer["splitAccessor"]} if "splitAccessor" in layer else set()
            )
        assert used == known


def test_data_views_exist_for_every_index_that_is_shown() -> None:
    views = {view.index: view for view in data_views(ROOT / "kibana/data_views.yml")}
    assert {panel.index for panel in panels()} <= set(views)
    for view in views.values():
        times = {field.name for field in BY_NAME[view.index].fields if field.type == "date"}
        assert view.time in times


def test_panel_queries_answer_with_their_columns(store: Store) -> None:
    parameters = [{"_tstart": SINCE}, {"_tend": UNTIL}]
    for panel in panels():
        assert set(panel.columns) <= set(store.esql(panel.query, parameters).columns or panel.columns), panel.name
    store.write_all(Operation("index", index, key, source) for index, key, source in DOCUMENTS)
    store.refresh()
    for panel in panels():
        table = store.esql(panel.query, parameters)
        assert set(panel.columns) <= set(table.columns), panel.name
        assert table.rows, f"{panel.name} shows nothing"
    states = next(panel for panel in panels() if panel.name == "service-states")
    assert store.esql(states.query, parameters).dicts() == [
        {"service.name": "sms", "state": 97.0},
        {"service.name": "voip", "state": 42.0},
    ]
    established = next(panel for panel in panels() if panel.name == "established")
    assert store.esql(established.query, parameters).dicts()[0]["ratio"] == pytest.approx(0.71)


def test_searches_are_kql_that_the_node_understands(store: Store) -> None:
    call = {"@timestamp": NOON, "voip": {"disposition": "answered", "called": {"mos": 2.1}}, "cdr": {"flags": ["x"]}}
    store.write_all(
        [
            Operation("index", "cdr-voip-2026.11", "c1", call),
            Operation("index", "cdr-voip-2026.11", "c2", {"@timestamp": NOON, "voip": {"disposition": "call-attempt"}}),
            Operation("index", "cdr-sms-2026.11", "m1", {"@timestamp": NOON, "sms": {"result": "expired"}}),
            Operation("index", "cdr-reject-1", "r1", {"reject": {"state": "suspended"}}),
        ]
    )
    store.refresh()
    for search in searches(ROOT / "kibana/searches.yml"):
        table = store.esql(f'FROM {search.index} | WHERE KQL("""{search.query}""") | STATS found = COUNT(*)')
        assert table.dicts() == [{"found": 1}], search.name


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("kind: line", "kind: lime", "did you mean line"),
        ("value: incidents", "valeu: incidents", "did you mean value"),
        ("index: ticket", "index: tickets", "did you mean ticket"),
        ("at: [0, 8, 24, 12]", "at: [30, 8, 24, 12]", "outside the grid"),
        ("at: [0, 8, 24, 12]", "at: [0, 4, 24, 12]", "lie on one another"),
        ("dashboard: noc-overview", "dashboard: noc", "not the file's name"),
        ("panel: open-tickets", "panel: open-incidents", "two panels"),
    ],
)
def test_dashboard_is_refused_when_its_yaml_is_wrong(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = (ROOT / "kibana/dashboards/noc-overview.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "noc-overview.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError, match=complaint) as refused:
        dashboard(path)
    assert str(path) in str(refused.value)
