"""The YAML under `kibana/` as values, every key checked.

    kibana/data_views.yml          data_views: [{index, title, time}]
    kibana/controls.yml            controls: [{control, label, index, field | variable + query}]
    kibana/searches.yml            searches: [{search, title, description, index, columns, query (KQL) | esql, sort}]
    kibana/rules.yml               rules: [{rule, title, description, index, time, every, window, query}]
    kibana/dashboards/NAME.yml     dashboard, title, audience, description, time: {from, to}, refresh_sec, controls, panels

A panel: `panel` (its id), `title`, `kind`, `at: [x, y, width, height]` on a grid 48 columns wide, and, but for `text`, `index`
and `query` (ES|QL). Keys of a kind: dashboards/kinds.py; docs/dashboards.md explains all of them.
Times reach a query as the parameters `?_tstart` and `?_tend`, which Kibana fills from the time picker; a control's variable as
`?name`, `*` while nothing is chosen.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from dashboards import reading
from dashboards.kinds import COLOURS, GOOD, KINDS, MEANINGS, POSITIONS, SHAPES
from dashboards.model import (
    GRID_WIDTH,
    Control,
    Dashboard,
    DataView,
    Link,
    Panel,
    Rule,
    Search,
    Threshold,
)
from dashboards.reading import Row, keys, nearest, number, numbers, one_of, rows, text, texts

AUDIENCES = ("noc", "analyst", "service desk", "data engineer", "management")
_PANEL = {"panel", "title", "kind", "at"}
_QUERIED = {"index", "query"}
_ANY_KIND = {"help", "empty", "may_be_empty", "links"}
_DASHBOARD = {"dashboard", "title", "audience", "description", "time", "refresh_sec", "panels"}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TIME = re.compile(r"now([+-]\d+[smhdwMy])?(/[smhdwMy])?")
_SPAN = re.compile(r"[1-9]\d{0,3}[smhd]")
_LONGEST_REFRESH = 86_400
_TALLEST = 1000
_PARTS = ("max", "min", "goal", "secondary", "split")


def data_views(path: Path) -> tuple[DataView, ...]:
    """Raises DefinitionError."""
    found = []
    for row in _rows(path, "data_views"):
        keys(row, {"index", "title", "time"})
        index = _index(row)
        time = text(row, "time")
        _field(row, "time", index, time)
        found.append(DataView(index, text(row, "title"), time))
    return _unique(path, found, "index")


def controls(path: Path) -> tuple[Control, ...]:
    """Raises DefinitionError."""
    found = []
    for row in _rows(path, "controls"):
        keys(row, {"control", "label", "index"}, {"field", "variable", "query"})
        if ("field" in row) == ("variable" in row) or ("variable" in row) != ("query" in row):
            raise row.refuse("a control has either `field`, or `variable` with `query`")
        index = _index(row)
        if "field" in row:
            _field(row, "field", index, text(row, "field"))
        found.append(
            Control(
                name=_name(row, "control"),
                label=text(row, "label"),
                index=index,
                field=text(row, "field"),
                variable=text(row, "variable"),
                query=_one_line(text(row, "query")),
            )
        )
    return _unique(path, found, "name")


def searches(path: Path) -> tuple[Search, ...]:
    """Raises DefinitionError."""
    found = []
    for row in _rows(path, "searches"):
        keys(row, {"search", "title", "description", "index"}, {"columns", "sort", "query", "esql", "may_be_empty"})
        if ("query" in row) == ("esql" in row):
            raise row.refuse("a search has either `query` (KQL) or `esql`")
        index, columns = _index(row), texts(row, "columns")
        if "query" in row:
            keys(row, set(row) | {"columns", "sort"})
            for name in (*columns, text(row, "sort")):
                _field(row, "columns" if name in columns else "sort", index, name)
        found.append(
            Search(
                name=_name(row, "search"),
                title=text(row, "title"),
                description=text(row, "description"),
                index=index,
                columns=columns,
                sort=text(row, "sort"),
                query=_one_line(text(row, "query") or text(row, "esql")),
                esql="esql" in row,
                may_be_empty=text(row, "may_be_empty"),
            )
        )
    return _unique(path, found, "name")


def rules(path: Path) -> tuple[Rule, ...]:
    """Raises DefinitionError."""
    found = []
    for row in _rows(path, "rules"):
        keys(row, {"rule", "title", "description", "index", "time", "every", "window", "query"}, {"tags"})
        index = _index(row)
        _field(row, "time", index, text(row, "time"))
        for key in ("every", "window"):
            if not _SPAN.fullmatch(text(row, key)):
                raise row.refuse(f"{key}: {row[key]!r} is no length of time such as 5m", key)
        found.append(
            Rule(
                name=_name(row, "rule"),
                title=text(row, "title"),
                description=text(row, "description"),
                index=index,
                time=text(row, "time"),
                query=_one_line(text(row, "query")),
                every=text(row, "every"),
                window=text(row, "window"),
                tags=texts(row, "tags"),
            )
        )
    return _unique(path, found, "name")


def dashboard(path: Path, known: tuple[Control, ...] = ()) -> Dashboard:
    """`known`: the controls that it may name. Raises DefinitionError naming file, line, key, value and nearest right name."""
    row = reading.read(path)
    keys(row, _DASHBOARD, {"controls"})
    if _name(row, "dashboard") != path.stem:
        raise row.refuse(f"dashboard: {row['dashboard']!r} is not the file's name", "dashboard")
    audience = texts(row, "audience")
    for name in audience:
        if name not in AUDIENCES:
            raise row.refuse(f"audience: {name!r} is not one of {', '.join(AUDIENCES)}", "audience")
    panels = tuple(_panel(child) for child in rows(row, "panels"))
    if not panels:
        raise row.refuse("has no panels", "panels")
    names = [panel.name for panel in panels]
    for panel in panels:
        if names.count(panel.name) > 1:
            raise DefinitionError(f"two panels are called {panel.name!r}", where=panel.where)
    _check_overlap(panels)
    return Dashboard(
        name=text(row, "dashboard"),
        title=text(row, "title"),
        description=text(row, "description"),
        audience=audience,
        time=_time(row),
        refresh_sec=_refresh(row),
        panels=panels,
        controls=_chosen(row, known),
    )


def _panel(row: Row) -> Panel:
    kind = KINDS[one_of(row, "kind", KINDS)] if "kind" in row else KINDS["text"]
    queried = set() if kind.family == "text" else _QUERIED
    unit = {"unit"} if kind.unit else set()
    keys(row, _PANEL | queried | unit | kind.needed, kind.possible | _ANY_KIND)
    return Panel(
        name=_name(row, "panel"),
        title=text(row, "title"),
        kind=text(row, "kind"),
        index=_index(row) if queried else "",
        query=_one_line(text(row, "query")),
        at=_place(row),
        where=row.where(),
        unit=text(row, "unit"),
        values=_shown(row, kind.family),
        x=text(row, "x"),
        by=_broken_down(row, kind.family),
        extra={part: text(row, part) for part in _PARTS if part in row},
        thresholds=tuple(_threshold(child, kind.family) for child in rows(row, "thresholds")),
        colours=_colours(row),
        links=tuple(_link(child) for child in rows(row, "links")),
        legend=one_of(row, "legend", POSITIONS) if "legend" in row else "right",
        shape=one_of(row, "shape", SHAPES) if "shape" in row else "",
        good=one_of(row, "good", GOOD) if "good" in row else "",
        subtitle=text(row, "subtitle"),
        text=text(row, "text"),
        help=text(row, "help"),
        empty=text(row, "empty"),
        may_be_empty=text(row, "may_be_empty"),
    )


def _shown(row: Row, family: str) -> tuple[str, ...]:
    key = {"table": "columns", "xy": "y"}.get(family)
    if key is None:
        return (text(row, "value"),) if "value" in row else ()
    if not texts(row, key):
        raise row.refuse(f"{key}: names no column", key)
    return texts(row, key)


def _broken_down(row: Row, family: str) -> tuple[str, ...]:
    """Parts of a whole may have several levels, everything else one."""
    if isinstance(row.get("by"), list) and family == "partition":
        return texts(row, "by")
    return (text(row, "by"),) if "by" in row else ()


def _threshold(row: Row, family: str) -> Threshold:
    keys(row, {"value", "colour"} | ({"label"} if family == "xy" else set()), {"label"})
    one_of(row, "colour", {**MEANINGS, **COLOURS})
    if "`" in text(row, "label"):
        raise row.refuse("label: has a backtick, which would end its name in a query", "label")
    return Threshold(number(row, "value"), text(row, "colour"), text(row, "label"))


def _colours(row: Row) -> dict[str, str]:
    given = row.get("colours", Row("", 0))
    if not isinstance(given, Row):
        raise row.refuse("colours: is no mapping of a column to a colour", "colours")
    for column in given:
        one_of(given, column, {**MEANINGS, **COLOURS})
        if column not in row.get("y", ()):
            raise given.refuse(f"colours: {column!r} is no column of y{nearest(column, row.get('y', ()))}", column)
    return dict(given)


def _link(row: Row) -> Link:
    keys(row, {"to", "label"})
    return Link(_name(row, "to"), text(row, "label"))


def _place(row: Row) -> tuple[int, int, int, int]:
    x, y, width, height = numbers(row, "at", 4)
    if min(x, y) < 0 or min(width, height) < 1 or x + width > GRID_WIDTH or y + height > _TALLEST:
        raise row.refuse(f"at: {row['at']} is outside the grid of {GRID_WIDTH} columns", "at")
    return x, y, width, height


def _check_overlap(panels: tuple[Panel, ...]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        x, y, width, height = panel.at
        for cell in ((column, line) for column in range(x, x + width) for line in range(y, y + height)):
            other = taken.setdefault(cell, panel.name)
            if other != panel.name:
                raise DefinitionError(f"panels {other} and {panel.name} lie on one another", where=panel.where)


def _chosen(row: Row, known: tuple[Control, ...]) -> tuple[Control, ...]:
    by_name = {control.name: control for control in known}
    for name in texts(row, "controls"):
        if name not in by_name:
            raise row.refuse(f"controls: there is no {name!r}{nearest(name, by_name)}", "controls")
    return tuple(by_name[name] for name in texts(row, "controls"))


def _time(row: Row) -> tuple[str, str]:
    span = row["time"]
    if not isinstance(span, Row):
        raise row.refuse("time: is no mapping of from and to", "time")
    keys(span, {"from", "to"})
    for key in ("from", "to"):
        if not _TIME.fullmatch(text(span, key)):
            raise span.refuse(f"time.{key}: {span[key]!r} is no time such as now-24h", key)
    return text(span, "from"), text(span, "to")


def _refresh(row: Row) -> int:
    seconds = number(row, "refresh_sec")
    if not 0 <= seconds <= _LONGEST_REFRESH or seconds != int(seconds):
        raise row.refuse(f"refresh_sec: {row['refresh_sec']} is outside 0 to {_LONGEST_REFRESH} s", "refresh_sec")
    return int(seconds)


def _rows(path: Path, key: str) -> list[Row]:
    row = reading.read(path)
    keys(row, {key})
    return list(rows(row, key))


def _unique(path: Path, found: list[Any], key: str) -> tuple[Any, ...]:
    names = [getattr(each, key) for each in found]
    for name in names:
        if names.count(name) > 1:
            raise DefinitionError(f"{name!r} stands there twice", where=str(path))
    return tuple(found)


def _name(row: Row, key: str) -> str:
    name = text(row, key)
    if not _NAME.fullmatch(name):
        raise row.refuse(f"{key}: {name!r} is not of small letters, digits and hyphens", key)
    return name


def _index(row: Row) -> str:
    return one_of(row, "index", BY_NAME)


def _field(row: Row, key: str, index: str, name: str) -> None:
    known = {field.name for field in BY_NAME[index].fields}
    if name not in known:
        raise row.refuse(f"{key}: {index} has no field {name!r}{nearest(name, known)}", key)


def _one_line(query: str) -> str:
    """A query on one line, as Kibana keeps it; line comments would swallow the rest."""
    return " ".join(line.strip() for line in query.splitlines() if not line.strip().startswith("//")).strip()
