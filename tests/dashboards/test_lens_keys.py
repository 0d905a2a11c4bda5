"""Our Lens charts against Kibana's own, key by key.

lens_keys.json holds which keys stand where in 22 charts that Kibana 8.19.9 wrote itself (names of keys only, no content).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.build import load
from dashboards.kinds import KINDS
from dashboards.lens import attributes
from dashboards.model import Panel, Threshold
from tests.dashboards.lens_structure import key_paths

ROOT = Path(__file__).resolve().parents[2]
RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("lens_keys.json").read_text(encoding="utf-8"))
VIEW = ".state.adHocDataViews.*."  # Kibana fills the view that only a chart has; the recordings have it empty
PANELS = [panel for board in load(ROOT).boards for panel in board.panels if KINDS[panel.kind].family != "text"]

PALETTE = (  # CustomPaletteParams of packages kbn-coloring
    *("name", "steps", "maxSteps", "progression", "reverse", "rangeType", "rangeMin", "rangeMax", "continuity"),
    *("colorStops", "stops", "colorStops[].color", "colorStops[].stop", "stops[].color", "stops[].stop"),
)

# What Kibana knows beyond the recordings, by the type of the chart, and where it says so.
KNOWN: dict[str, set[str]] = {
    # MetricVisualizationState (packages lens-common, visualizations/metric): CustomPaletteParams, secondaryMetricAccessor
    "lnsMetric": {
        "palette",
        "palette.name",
        "palette.type",
        "palette.params",
        *(f"palette.params.{key}" for key in PALETTE),
        "secondaryMetricAccessor",
    },
    # XYDataLayerConfig and XYReferenceLineLayerConfig: YConfig; the configuration builder of 9.2 writes both
    "lnsXY": {
        *(f"layers[].yConfig{key}" for key in ("", "[].forAccessor", "[].color", "[].axisMode")),
    },
}


def paths(panel: Panel) -> set[str]:
    return {path for path in key_paths(attributes(panel, "@timestamp")) if not path.startswith(VIEW)}


def panel(kind: str, **parts: Any) -> Panel:
    return Panel(name="p", title="t", kind=kind, index="kpi-5m", query="FROM kpi-5m", at=(0, 0, 4, 4), **parts)


SCALE = {"max": "m", "min": "n", "goal": "g"}
LINE = {"x": "time", "values": ("v",)}
TWINS = {  # the same chart of ours for each recording
    "datatable-multi-column-esql": panel("table", values=("a", "b", "v")),
    "datatable-with-split-esql": panel("table", values=("a", "v"), extra={"split": "s"}),
    "gauge-circle-esql": panel("gauge", values=("v",), extra=SCALE, shape="circle"),
    "gauge-esql": panel("gauge", values=("v",), extra=SCALE),
    "gauge-horizontal-bullet-esql": panel("gauge", values=("v",), extra=SCALE, shape="horizontalBullet"),
    "heatmap-esql": panel("heatmap", x="a", by=("b",), values=("v",)),
    "metric-basic-esql": panel("metric", values=("v",)),
    "metric-with-breakdown-esql": panel("metric", values=("v",), by=("a",)),
    "metric-with-max-value-esql": panel("metric", values=("v",), extra={"max": "m"}),
    "metric-with-subtitle-esql": panel("metric", values=("v",), subtitle="s"),
    "pie-chart-donut-esql": panel("donut", values=("v",), by=("a",)),
    "pie-chart-esql": panel("pie", values=("v",), by=("a",)),
    "tagcloud-esql": panel("tag_cloud", values=("v",), by=("a",)),
    "treemap-esql": panel("treemap", values=("v",), by=("a", "b")),
    "xy-chart-advanced-line-esql": panel("line", **LINE),
    "xy-chart-area-esql": panel("area", **LINE),
    "xy-chart-area-stacked-esql": panel("area_stacked", by=("a",), **LINE),
    "xy-chart-bar-esql": panel("bar", **LINE),
    "xy-chart-bar-horizontal-esql": panel("bar_horizontal", x="a", values=("v",)),
    "xy-chart-bar-stacked-esql": panel("bar_stacked", by=("a",), **LINE),
    "xy-chart-esql-metric-appearance-esql": panel("line", x="time", values=("a", "b", "c"), legend="bottom"),
    "xy-chart-esql": panel("line", **LINE),
}


@pytest.mark.parametrize("name", RECORDED)
def test_chart_has_exactly_the_keys_of_kibanas_own(name: str) -> None:
    twin = TWINS[name]
    assert attributes(twin, "@timestamp")["visualizationType"] == RECORDED[name]["type"]
    assert paths(twin) == set(RECORDED[name]["keys"])


@pytest.mark.parametrize("shown", PANELS, ids=lambda shown: shown.name)
def test_panel_has_every_key_that_kibana_writes_and_none_that_it_does_not_know(shown: Panel) -> None:
    kind = attributes(shown, "@timestamp")["visualizationType"]
    twins = [set(row["keys"]) for row in RECORDED.values() if row["type"] == kind]
    always, ever = set.intersection(*twins), set.union(*twins)
    more = {f".state.visualization.{key}" for key in KNOWN.get(kind, ())}
    if shown.kind in ("mosaic", "waffle"):
        assert kind == "lnsPie"  # Kibana's builder writes them as it writes pies
    assert always <= paths(shown)
    assert paths(shown) <= ever | more


def test_thresholds_of_a_chart_are_reference_lines_with_a_query_of_their_own() -> None:
    target = Threshold(99.0, "target", "target 99 %")
    state = attributes(panel("line", thresholds=(target,), **LINE), "")["state"]
    layers = state["datasourceStates"]["textBased"]["layers"]
    assert layers["layer_1"]["query"] == {"esql": "ROW `target 99 %` = 99.0"}
    line = state["visualization"]["layers"][1]
    assert line["layerType"] == "referenceLine"
    assert line["accessors"] == [layers["layer_1"]["columns"][0]["columnId"]] == [line["yConfig"][0]["forAccessor"]]
    assert [row["name"][-7:] for row in state["internalReferences"]] == ["layer_0", "layer_1"]


def test_thresholds_of_a_tile_colour_it_from_their_value_on() -> None:
    steps = (Threshold(90, "good"), Threshold(0, "bad"), Threshold(60, "warn"))
    palette = attributes(panel("metric", values=("v",), thresholds=steps), "")["state"]["visualization"]["palette"]
    assert [(row["color"], row["stop"]) for row in palette["params"]["stops"]] == [
        ("#D55E00", 60),
        ("#E69F00", 90),
        ("#0072B2", None),
    ]
    assert [row["stop"] for row in palette["params"]["colorStops"]] == [None, 60, 90]


@pytest.mark.parametrize("shown", [*PANELS, *TWINS.values()], ids=lambda shown: f"{shown.kind}-{shown.name}")
def test_accessors_name_columns_that_exist_and_leave_none_out(shown: Panel) -> None:
    state = attributes(shown, "@timestamp")["state"]
    layers = state["datasourceStates"]["textBased"]["layers"]
    known = [column["columnId"] for layer in layers.values() for column in layer["columns"]]
    assert len(known) == len(set(known))
    assert set(accessors(state["visualization"])) == set(known)


def accessors(value: Any, key: str = "") -> list[str]:
    """Every text under a key that names columns."""
    if isinstance(value, dict):
        return [name for inner, child in value.items() for name in accessors(child, inner)]
    if isinstance(value, list):
        return [name for child in value for name in accessors(child, key)]
    named = key.endswith(("ccessor", "ccessors")) or key in ("columnId", "metrics", "primaryGroups")
    return [value] if named else []


def test_every_kind_can_be_drawn() -> None:
    drawn = {twin.kind for twin in TWINS.values()} | {shown.kind for shown in PANELS}
    left = set(KINDS) - drawn
    assert left <= {"text", "region_map", "area_percentage_stacked", "bar_horizontal_percentage_stacked"}
    for kind in left - {"text", "region_map"}:
        assert paths(panel(kind, **LINE)) == set(RECORDED["xy-chart-area-esql"]["keys"])
    region = attributes(panel("region_map", values=("v",), by=("a",)), "")
    assert region["visualizationType"] == "lnsChoropleth"
    assert set(accessors(region["state"]["visualization"])) == {
        "metric_formula_accessor",
        "metric_formula_accessor_breakdown",
    }
