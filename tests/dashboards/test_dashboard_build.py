"""Kibana's saved objects: checked in, importable, in the form that Kibana exports them; and what is refused before that."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from dashboards.build import FOLDER, build, load, stale, write_built
from dashboards.definitions import AUDIENCES
from dashboards.kinds import COLOURS, KINDS
from dashboards.reading import read

ROOT = Path(__file__).resolve().parents[2]
DEFINED = load(ROOT)
REQUIRED = {
    "noc-overview",
    "voip-quality",
    "voip-trunks",
    "sms",
    "epc-data",
    "busy-hour",
    "anomalies",
    "alerts-and-tickets",
    "customers",
    "kpi-targets",
    "mediation-books",
    "platform-health",
}


@cache
def objects() -> list[dict[str, Any]]:
    """In the order in which they are imported."""
    built = sorted((path, text) for path, text in build(ROOT).items() if path.endswith(".ndjson"))
    return [json.loads(line) for _, text in built for line in text.splitlines()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout's kibana/ that a test may spoil."""
    shutil.copytree(ROOT / "kibana", tmp_path / "kibana")
    return tmp_path


def test_saved_objects_are_checked_in_as_the_yaml_says() -> None:
    assert stale(ROOT) == [], "run `busyhour dashboards build`"


def test_building_again_changes_nothing_and_mends_what_differs(copy: Path) -> None:
    assert write_built(copy) == []
    (copy / FOLDER / "4-gone.ndjson").write_text("{}\n")
    (copy / FOLDER / "3-searches.ndjson").write_text("old\n")
    (copy / FOLDER / "2-tags.ndjson").unlink()
    changed = [f"{FOLDER}/{name}.ndjson" for name in ("2-tags", "3-searches", "4-gone")]
    assert stale(copy) == changed
    assert sorted(write_built(copy)) == changed
    assert stale(copy) == []


def test_dashboards_are_all_there_and_have_what_they_need() -> None:
    assert {board.name for board in DEFINED.boards} >= REQUIRED
    assert len(DEFINED.searches) >= 12
    for board in DEFINED.boards:
        assert set(board.audience) <= set(AUDIENCES)
        for panel in board.panels:
            assert panel.unit or not KINDS[panel.kind].unit
            if panel.unit:
                assert panel.heading.endswith(f"({panel.unit})")
            if KINDS[panel.kind].family not in ("text", "metric"):
                assert panel.empty, f"{board.name}/{panel.name} does not say what an empty panel means"
    reasons = [panel.may_be_empty for board in DEFINED.boards for panel in board.panels if panel.may_be_empty]
    assert len(reasons) <= 3


def test_objects_refer_to_what_was_imported_before_them() -> None:
    """Kibana refuses an object whose data view is missing, and boards may refer to one another."""
    boards = {row["id"] for row in objects() if row["type"] == "dashboard"}
    seen: set[tuple[str, str]] = set()
    for row in objects():
        for reference in row["references"]:
            assert (reference["type"], reference["id"]) in seen or reference["id"] in boards, row["id"]
        seen.add((row["type"], row["id"]))
    assert len(seen) == len(objects())


def test_objects_have_the_form_of_an_export() -> None:
    envelope = {"attributes", "coreMigrationVersion", "id", "managed", "references", "type", "typeMigrationVersion"}
    kinds = {"index-pattern", "tag", "search", "dashboard"}
    for row in objects():
        assert set(row) == envelope
        assert row["type"] in kinds
        for key, value in row["attributes"].items():
            if key.endswith("JSON"):
                json.loads(value)


def test_dashboard_object_holds_panels_controls_and_drilldowns() -> None:
    by_id = {row["id"]: row for row in objects()}
    for board in DEFINED.boards:
        row = by_id[f"busyhour-{board.name}"]
        panels = json.loads(row["attributes"]["panelsJSON"])
        names = {reference["name"]: reference for reference in row["references"]}
        assert [panel["panelIndex"] for panel in panels] == [panel.name for panel in board.panels]
        events = []
        for shown, panel in zip(panels, board.panels, strict=True):
            assert set(shown) == {"type", "embeddableConfig", "panelIndex", "gridData"}
            assert shown["embeddableConfig"]["title"] == panel.heading
            assert shown["gridData"]["i"] == shown["panelIndex"]
            dynamic = shown["embeddableConfig"]["enhancements"].get("dynamicActions", {"events": []})["events"]
            assert len(dynamic) == len(panel.links)
            for event, link in zip(dynamic, panel.links, strict=True):
                assert event["action"]["config"]["useCurrentFilters"] is True
                assert event["action"]["config"]["useCurrentDateRange"] is True
                factory = event["action"]["factoryId"]
                name = f"{panel.name}:drilldown:{factory}:{event['eventId']}:dashboardId"
                assert names.pop(name)["id"] == f"busyhour-{link.to}"
                events.append(event["eventId"])
        assert len(events) == len(set(events))
        tags = {name for name in names if name.startswith("tag-ref-")}
        assert len(tags) == len(board.audience)
        assert set(names) - tags == {
            f"controlGroup_{control.name}:optionsListDataView" for control in board.controls if control.field
        }


def test_control_group_is_as_kibana_8_19_keeps_it() -> None:
    kinds = set()
    for row in objects():
        group = row["attributes"].get("controlGroupInput")
        if group is None:
            continue
        assert set(group) == {
            "chainingSystem",
            "controlStyle",
            "ignoreParentSettingsJSON",
            "panelsJSON",
            "showApplySelections",
        }
        for key, control in json.loads(group["panelsJSON"]).items():
            assert set(control) == {"type", "order", "grow", "width", "explicitInput"}
            assert control["explicitInput"]["id"] == key
            kinds.add(control["type"])
            if control["type"] == "esqlControl":  # ESQLControlState of kbn-esql-types
                wanted = {"availableOptions", "controlType", "esqlQuery", "selectedOptions", "variableName"}
                assert set(control["explicitInput"]) == wanted | {"variableType", "id", "title"}
                assert control["explicitInput"]["selectedOptions"] == ["*"]
    assert kinds == {"optionsListControl", "esqlControl"}


def test_own_data_view_has_a_time_field_only_where_kibanas_filter_would_change_nothing() -> None:
    """Kibana filters by it: a baseline, which has no time, or an open incident that began before would be hidden."""
    timed = {}
    for row in objects():
        for shown in json.loads(row["attributes"].get("panelsJSON", "[]")):
            if shown["type"] == "lens":
                views = shown["embeddableConfig"]["attributes"]["state"]["adHocDataViews"]
                key = f"{row['id'].removeprefix('busyhour-')}/{shown['panelIndex']}"
                timed[key] = {view.get("timeFieldName", "") for view in views.values()}
    assert timed["voip-trunks/ner-trunk"] == {"@timestamp"}
    for name in (
        "noc-overview/ner-band",
        "noc-overview/open-incidents",
        "noc-overview/alerts",
        "mediation-books/lines",
    ):
        assert timed[name] == {""}


def test_searches_are_discover_sessions_on_kql_or_esql() -> None:
    found = [row for row in objects() if row["type"] == "search"]
    assert {row["attributes"]["isTextBasedQuery"] for row in found} == {True, False}
    for row in found:
        source = json.loads(row["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        if row["attributes"]["isTextBasedQuery"]:
            assert source["query"]["esql"].startswith("FROM ")
            assert source["index"]["title"] in BY_NAME
            assert row["references"] == []
        else:
            assert source["query"]["language"] == "kuery"
            assert [reference["name"] for reference in row["references"]] == [source["indexRefName"]]


# What Kibana 8.19 checks an imported object against, and refuses other keys: SCHEMA_SEARCH_MODEL_VERSION_5 of its saved_search
# plugin (10.5.0) and dashboardAttributesSchema v2 of its dashboard plugin (10.2.0). 9.2 begins from these when it migrates.
SCHEMAS = {
    "search": (
        {"title", "columns", "sort", "grid", "hideChart", "kibanaSavedObjectMeta", "isTextBasedQuery"},
        {"description", "rowHeight", "rowsPerPage", "breakdownField", "usesAdHocDataView", "timeRestore", "timeRange"}
        | {"refreshInterval", "viewMode", "hideAggregatedPreview", "hits", "version", "sampleSize", "headerRowHeight"}
        | {"visContext", "density"},
    ),
    "dashboard": (
        {"title", "description", "kibanaSavedObjectMeta", "panelsJSON", "optionsJSON", "timeRestore"},
        {"timeFrom", "timeTo", "refreshInterval", "controlGroupInput", "hits", "version"},
    ),
}


def test_attributes_are_those_of_kibanas_schema_and_no_others() -> None:
    versions = {"search": "10.5.0", "dashboard": "10.2.0"}
    checked = set()
    for row in objects():
        if row["type"] in SCHEMAS:
            needed, possible = SCHEMAS[row["type"]]
            given = set(row["attributes"])
            assert needed <= given <= needed | possible, row["id"]
            assert row["typeMigrationVersion"] == versions[row["type"]]
            assert set(row["attributes"]["kibanaSavedObjectMeta"]) == {"searchSourceJSON"}
            assert "refreshInterval" not in given or set(row["attributes"]["refreshInterval"]) == {"pause", "value"}
            assert all(len(pair) == 2 for pair in row["attributes"].get("sort", []))
            checked.add(row["type"])
    assert checked == set(SCHEMAS)


def test_rules_are_bodies_that_the_alerting_api_takes() -> None:
    rules = json.loads(build(ROOT)[f"{FOLDER}/rules.json"])
    assert len({rule["id"] for rule in rules}) == len(rules) >= 5
    for rule in rules:
        assert rule["id"][14] == "5", "Kibana takes UUIDs only"
        body = rule["body"]
        assert body["rule_type_id"] == ".es-query"
        assert body["params"]["searchType"] == "esqlQuery"
        assert "?" not in body["params"]["esqlQuery"]["esql"], "a rule's query gets no parameters"
        assert body["params"]["thresholdComparator"] == ">" and body["params"]["threshold"] == [0]
        # EsqlQueryRuleParams of the stack_alerts plugin: what an ES|QL rule needs, and what it may not have
        needed = {"searchType", "esqlQuery", "timeField", "timeWindowSize", "timeWindowUnit", "size"}
        assert needed <= set(body["params"])
        assert not set(body["params"]) & {"esQuery", "index", "searchConfiguration", "aggField", "termField"}


def test_colours_are_told_apart_by_everybody() -> None:
    """Okabe and Ito's: all that is written is of that palette."""
    used = set(json.dumps(objects()).upper().split("#")[1:])
    assert {f"#{part[:6]}" for part in used if part[:6].isalnum() and len(part) > 6 and part[6] in '"\\'} <= set(
        COLOURS.values()
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("noc-overview", "kind: line", "kind: lime", "did you mean line"),
        ("noc-overview", "value: incidents", "valeu: incidents", "did you mean value"),
        ("noc-overview", "index: ticket", "index: tickets", "did you mean ticket"),
        ("noc-overview", "at: [0, 8, 24, 11]", "at: [30, 8, 24, 11]", "outside the grid"),
        ("noc-overview", "at: [0, 8, 24, 11]", "at: [0, 4, 24, 11]", "lie on one another"),
        ("noc-overview", "at: [0, 8, 24, 11]", "at: [0, 8, 24]", "4 whole numbers"),
        ("noc-overview", "dashboard: noc-overview", "dashboard: noc", "not the file's name"),
        ("noc-overview", "panel: open-tickets", "panel: open-incidents", "two panels"),
        ("noc-overview", "value: incidents", "value: [incidents]", "is no text"),
        ("noc-overview", "y: [NER, normal from, normal to]", "y: []", "names no column|is no column of y"),
        ("noc-overview", "label: target 99 %", "label: tar`get", "backtick"),
        ("noc-overview", "by: service.name", "by: [service.name, state]", "is no text"),
        ("noc-overview", "unit: incidents", "units: incidents", "did you mean unit"),
        ("noc-overview", "colour: bad", "colour: crimson", "not one of"),
        ("noc-overview", "controls: [any-service", "controls: [any-servic", "did you mean any-service"),
        ("noc-overview", "to: anomalies", "to: anomalys", "did you mean anomalies"),
        ("noc-overview", "?service ==", "?servce ==", "did you mean service"),
        ("noc-overview", "FROM incident |", "FROM incidents |", "did you mean incident"),
        ("noc-overview", "by: service.name\n    thresholds", "by: servce.name\n    thresholds", "gives no column"),
        ("noc-overview", "audience: [noc]", "audience: [nok]", "not one of"),
        ("noc-overview", "time: {from: now-24h", "time: {from: yesterday", "no time such as"),
        ("noc-overview", "refresh_sec: 60", "refresh_sec: -1", "outside 0 to"),
        ("noc-overview", "refresh_sec: 60", "refresh_sec: 60\nrefresh_sec: 61", "twice"),
        ("noc-overview", "title: NOC overview", "title: &a NOC\nx: *a", "alias"),
        ("noc-overview", "title: NOC overview", "title: [", "cannot start any token|did not find expected"),
        ("noc-overview", "panels:", "panels: nothing\nmore:", "no list|unknown key"),
        ("busy-hour", "FROM kpi-1h\n", "FROM kpi-5m\n", "does not read its own index"),
        ("noc-overview", "      | LIMIT 10000\n", "", "cut it at 1,000 rows"),
        ("noc-overview", "anomaly.status != ", "anomaly.statuss != ", "did you mean anomaly.status"),
        ("mediation-books", "MAX(file.`last`)", "MAX(file.`lasst`)", "has no field 'file.lasst'"),
        ("anomalies", "index: anomaly", "index: incident", "does not read its own index|filters by service.name"),
    ],
)
def test_dashboard_is_refused_with_file_and_line(copy: Path, file: str, old: str, new: str, complaint: str) -> None:
    path = copy / "kibana/dashboards" / f"{file}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError, match=complaint) as refused:
        load(copy)
    assert f"{path}:" in refused.value.where
    assert refused.value.where.rsplit(":", 1)[1].isdigit()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("searches", "columns: [cdr.flags", "columns: [cdr.flag", "did you mean cdr.flags"),
        ("searches", "search: rejects\n", "search: worst-mos\n", "twice"),
        ("searches", "query: 'cdr.flags: *'", "queery: 'cdr.flags: *'", "did you mean query"),
        ("data_views", 'time: "@timestamp"', "time: timestamp", "has no field"),
        (
            "data_views",
            '  - {index: session-epc, title: EPC data sessions, time: "@timestamp"}\n',
            "",
            "session-epc has no data view",
        ),
        ("controls", "    variable: service\n", "", "either"),
        ("controls", "field: service.name", "field: service.nam", "did you mean service.name"),
        ("rules", "feed.state ==", "feed.stat ==", "did you mean feed.state"),
        ("rules", "every: 1m", "every: often", "no length of time"),
        ("rules", "time: event.ingested", "time: event.ingest", "did you mean event.ingested"),
    ],
)
def test_other_definitions_are_refused_when_wrong(copy: Path, file: str, old: str, new: str, complaint: str) -> None:
    path = copy / "kibana" / f"{file}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError, match=complaint) as refused:
        load(copy)
    assert path.stem.rstrip("s") in refused.value.where


@example(b"0000-0-0T0:00:00")  # looks like a time, and is none
@given(st.binary(max_size=200))
def test_no_file_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(content)
    try:
        read(path)
    except DefinitionError as error:
        assert str(path) in error.where


def test_page_names_every_dashboard_kind_and_key() -> None:
    page = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")
    named = {board.name for board in DEFINED.boards} | set(KINDS)
    named |= {key for kind in KINDS.values() for key in kind.needed | kind.possible}
    assert {name for name in named if f"`{name}`" not in page} == set()
    assert f"{len(DEFINED.searches)} Discover sessions" in page


def test_target_lines_are_the_catalogues_targets() -> None:
    lines = 0
    for board in DEFINED.boards:
        for panel in board.panels:
            for threshold in panel.thresholds:
                if threshold.label.startswith("target"):
                    (kpi,) = set(re.findall(r'kpi\.id == "([a-z_0-9.]+)"', panel.query))
                    target = yaml.safe_load((ROOT / f"kpis/catalogue/{kpi}.yml").read_text(encoding="utf-8"))["target"]
                    assert threshold.value == 100 * next(iter(target.values())), f"{board.name}/{panel.name}"
                    assert threshold.label == f"target {threshold.value:g} %"
                    lines += 1
    assert lines >= 6
