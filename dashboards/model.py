"""What a dashboard, a data view and a saved search are, and reading them from YAML with every key checked.

    kibana/data_views.yml          data_views: [{index, title, time}]
    kibana/searches.yml            searches: [{search, title, description, index, columns, sort, query}]   query: KQL
    kibana/dashboards/NAME.yml     dashboard, title, description, time: {from, to}, refresh_sec, panels

A panel: `panel` (its id), `title`, `kind`, `index`, `query` (ES|QL), `at: [x, y, width, height]` on a grid 48 columns wide, and

    metric   value, by (optional: one tile per value of this column)
    line     x, y (list), by (optional: one line per value of this column)
    bar      likewise, stacked
    table    columns

Times reach the query as the parameters `?_tstart` and `?_tend`, which Kibana fills from the time picker.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME

GRID_WIDTH = 48
KINDS: dict[str, tuple[set[str], set[str]]] = {  # keys that a kind needs, and may have
    "metric": ({"value"}, {"by"}),
    "line": ({"x", "y"}, {"by"}),
    "bar": ({"x", "y"}, {"by"}),
    "table": ({"columns"}, set()),
}
_PANEL = {"panel", "title", "kind", "index", "query", "at"}


@dataclass(frozen=True, slots=True)
class DataView:
    """`time`: field of the time picker, empty where there is none."""

    index: str
    title: str
    time: str


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search (Discover session): KQL on a data view; `sort` newest or highest first by this field."""

    name: str
    title: str
    description: str
    index: str
    columns: tuple[str, ...]
    sort: str
    query: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`values`: result columns shown, in order: a metric's value, y of a chart, columns of a table. `by`, `x`: "" for none."""

    name: str
    title: str
    kind: str
    index: str
    query: str
    at: tuple[int, int, int, int]
    values: tuple[str, ...]
    x: str = ""
    by: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every result column that the panel uses: the query must give them."""
        return tuple(name for name in (self.by, self.x, *self.values) if name)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`time`: from and to, as Kibana writes them (`now-24h`, `now`)."""

    name: str
    title: str
    description: str
    time: tuple[str, str]
    refresh_sec: int
    panels: tuple[Panel, ...]


def data_views(path: Path) -> tuple[DataView, ...]:
    """Raises DefinitionError."""
    views = []
    for where, row in _rows(path, "data_views"):
        _keys(where, row, {"index", "title", "time"})
        views.append(DataView(_index(where, row["index"]), row["title"], row["time"] or ""))
    return tuple(views)


def searches(path: Path) -> tuple[Search, ...]:
    """Raises DefinitionError."""
    found = []
    for where, row in _rows(path, "searches"):
        _keys(where, row, {"search", "title", "description", "index", "columns", "sort", "query"})
        index = _index(where, row["index"])
        known = {field.name for field in BY_NAME[index].fields}
        for field in (*row["columns"], row["sort"]):
            if field not in known:
                raise DefinitionError(f"{index} has no field {field!r}{_nearest(field, known)}", where=where)
        found.append(
            Search(
                name=row["search"],
                title=row["title"],
                description=row["description"],
                index=index,
                columns=tuple(row["columns"]),
                sort=row["sort"],
                query=row["query"],
            )
        )
    return tuple(found)


def dashboard(path: Path) -> Dashboard:
    """Raises DefinitionError naming file, key, value and the nearest right name."""
    data = _read(path)
    _keys(str(path), data, {"dashboard", "title", "description", "time", "refresh_sec", "panels"})
    if data["dashboard"] != path.stem:
        raise DefinitionError(f"dashboard: {data['dashboard']!r} is not the file's name", where=str(path))
    panels = tuple(_panel(f"{path}: panels.{number}", row) for number, row in enumerate(data["panels"]))
    names = [panel.name for panel in panels]
    for name in {name for name in names if names.count(name) > 1}:
        raise DefinitionError(f"two panels are called {name!r}", where=str(path))
    _check_overlap(path, panels)
    time = (data["time"]["from"], data["time"]["to"])
    return Dashboard(data["dashboard"], data["title"], data["description"], time, data["refresh_sec"], panels)


def _panel(where: str, row: Mapping[str, Any]) -> Panel:
    kind = row.get("kind")
    if kind not in KINDS:
        raise DefinitionError(
            f"kind: {kind!r} is not one of {', '.join(KINDS)}{_nearest(str(kind), KINDS)}", where=where
        )
    needed, possible = KINDS[kind]
    _keys(where, row, _PANEL | needed, possible)
    x, y, width, height = row["at"]
    if min(x, y) < 0 or min(width, height) < 1 or x + width > GRID_WIDTH:
        raise DefinitionError(f"at: {row['at']} is outside the grid of {GRID_WIDTH} columns", where=where)
    shown = [row["value"]] if kind == "metric" else row["columns" if kind == "table" else "y"]
    return Panel(
        name=row["panel"],
        title=row["title"],
        kind=kind,
        index=_index(where, row["index"]),
        query=" ".join(row["query"].split()),
        at=(x, y, width, height),
        values=tuple(shown),
        x=row.get("x", ""),
        by=row.get("by", ""),
    )


def _check_overlap(path: Path, panels: tuple[Panel, ...]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        x, y, width, height = panel.at
        for cell in ((column, line) for column in range(x, x + width) for line in range(y, y + height)):
            other = taken.setdefault(cell, panel.name)
            if other != panel.name:
                raise DefinitionError(f"panels {other} and {panel.name} lie on one another", where=str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefinitionError(" ".join(str(error).split()), where=str(path)) from error
    if not isinstance(data, dict):
        raise DefinitionError("holds no keys", where=str(path))
    return data


def _rows(path: Path, key: str) -> Iterable[tuple[str, dict[str, Any]]]:
    data = _read(path)
    _keys(str(path), data, {key})
    return ((f"{path}: {key}.{number}", row) for number, row in enumerate(data[key]))


def _keys(where: str, row: Mapping[str, Any], needed: set[str], possible: Iterable[str] = ()) -> None:
    known = needed | set(possible)
    for key in row:
        if key not in known:
            raise DefinitionError(f"unknown key {key!r}{_nearest(str(key), known)}", where=where)
    for key in sorted(needed - set(row)):
        raise DefinitionError(f"lacks {key!r}", where=where)


def _index(where: str, name: str) -> str:
    if name not in BY_NAME:
        raise DefinitionError(f"index: {name!r} is none of ours{_nearest(name, BY_NAME)}", where=where)
    return name


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
