"""Chart kinds: which keys a panel of each needs and may have, and which of them name columns of the query's answer."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """`needed`, `possible`: keys beside those of every panel. `unit`: its numbers have one. `family`: what draws it."""

    family: str
    needed: frozenset[str]
    possible: frozenset[str]
    unit: bool = True


def _kind(family: str, needed: str, possible: str = "", *, unit: bool = True) -> Kind:
    return Kind(family, frozenset(needed.split()), frozenset(possible.split()), unit)


_XY = ("x y", "by thresholds colours legend")
_PARTS = ("value by", "legend")
KINDS: dict[str, Kind] = {
    "metric": _kind("metric", "value", "by max secondary subtitle thresholds"),
    "line": _kind("xy", *_XY),
    "area": _kind("xy", *_XY),
    "area_stacked": _kind("xy", *_XY),
    "area_percentage_stacked": _kind("xy", *_XY),
    "bar": _kind("xy", *_XY),
    "bar_stacked": _kind("xy", *_XY),
    "bar_percentage_stacked": _kind("xy", *_XY),
    "bar_horizontal": _kind("xy", *_XY),
    "bar_horizontal_stacked": _kind("xy", *_XY),
    "bar_horizontal_percentage_stacked": _kind("xy", *_XY),
    "heatmap": _kind("heatmap", "x value", "by legend good"),
    "pie": _kind("partition", *_PARTS),
    "donut": _kind("partition", *_PARTS),
    "treemap": _kind("partition", *_PARTS),
    "mosaic": _kind("partition", *_PARTS),
    "waffle": _kind("partition", *_PARTS),
    "gauge": _kind("gauge", "value", "min max goal shape"),
    "table": _kind("table", "columns", "split", unit=False),
    "tag_cloud": _kind("tag_cloud", "value by"),
    "region_map": _kind("region_map", "value by"),
    "text": _kind("text", "text", unit=False),
}
GOOD = ("high", "low")
SHAPES = ("arc", "circle", "semiCircle", "horizontalBullet", "verticalBullet")
POSITIONS = ("right", "bottom", "top", "left", "none")

# Okabe and Ito's palette, which people with any colour vision tell apart (jfly.uni-koeln.de/color, 2008).
COLOURS = {
    "blue": "#0072B2",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "orange": "#E69F00",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#999999",
    "black": "#000000",
}
MEANINGS = {"good": "blue", "warn": "orange", "bad": "red", "band": "grey", "target": "black"}


def colour(name: str) -> str:
    """`#RRGGBB` of a colour or of a meaning."""
    return COLOURS[MEANINGS.get(name, name)]
