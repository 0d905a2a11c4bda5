"""Is every query true? Statically: parameters, fields and links; on a node: does it answer with the columns that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.clock import iso
from contracts.errors import BusyhourError, DefinitionError
from contracts.indices import BY_NAME
from dashboards.kinds import KINDS
from dashboards.model import Control, Dashboard, DataView, Panel, Rule, Search
from dashboards.queries import TIMES, is_cut, parameters, query_problem, sources_of, values_of
from dashboards.reading import nearest
from infrastructure.store import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """What a panel, search, control or rule gave: rows, seconds; or what is wrong with it, in words."""

    kind: str
    name: str
    rows: int = 0
    problem: str = ""


def check_statically(boards: Sequence[Dashboard], views: Sequence[DataView]) -> None:
    """Raises DefinitionError at the first panel that cannot be right."""
    names, shown = {board.name for board in boards}, {view.index for view in views}
    for board in boards:
        for panel in board.panels:
            for link in panel.links:
                if link.to not in names:
                    raise _wrong(panel, f"links to {link.to!r}, which is no dashboard{nearest(link.to, names)}")
            if panel.query:
                _check_panel(board, panel, shown)
        _check_controls(board)


def _check_panel(board: Dashboard, panel: Panel, views: set[str]) -> None:
    if panel.index not in views:
        raise _wrong(panel, f"{panel.index} has no data view{nearest(panel.index, views)}")
    problem = query_problem(panel.query)
    if problem:
        raise _wrong(panel, problem)
    if panel.index not in sources_of(panel.query):
        raise _wrong(panel, f"does not read its own index {panel.index}")
    known = (*TIMES, *board.variables)
    for name in parameters(panel.query):
        if name not in known:
            raise _wrong(panel, f"?{name} is no time and no variable of a control{nearest(name, known)}")
    if is_cut(panel.query):
        raise _wrong(panel, "groups by a column without a LIMIT, so Elasticsearch would cut it at 1,000 rows, unsaid")
    missing = [name for name in panel.columns if name not in panel.query]
    if missing:
        raise _wrong(panel, f"the query gives no column {missing[0]!r}")


def _check_controls(board: Dashboard) -> None:
    """A filter on a field that a panel's index lacks would empty the panel; a variable that no query has would do nothing."""
    for control in board.controls:
        for panel in board.panels:
            fields = {field.name for field in BY_NAME[panel.index].fields} if panel.index else {control.field}
            if control.field and control.field not in fields:
                raise _wrong(panel, f"control {control.name} filters by {control.field}, which {panel.index} has not")
        used = {name for panel in board.panels for name in parameters(panel.query)}
        if control.variable and control.variable not in used:
            raise DefinitionError(f"no panel of {board.name} has ?{control.variable}", where=f"control {control.name}")


def _wrong(panel: Panel, what: str) -> DefinitionError:
    return DefinitionError(f"panel {panel.name}: {what}", where=panel.where)


def ask_all(
    store: Store,
    boards: Iterable[Dashboard],
    searches: Iterable[Search],
    rules: Iterable[Rule],
    controls: Iterable[Control],
    since: datetime,
    until: datetime,
) -> list[Answer]:
    """Every query once, over `since` ≤ t < `until`. What is wrong is said in the answers, never raised."""
    times = {"_tstart": iso(since), "_tend": iso(until)}
    answers = []
    for board in boards:
        given = {**times, **board.variables}
        for panel in board.panels:
            if KINDS[panel.kind].family != "text":
                name = f"{board.name}/{panel.name}"
                answers.append(_asked(store, "panel", name, panel.query, given, panel.columns))
    answers += [_asked(store, "search", each.name, query_of(each), times, ()) for each in searches]
    answers += [_asked(store, "rule", each.name, each.query, {}, ()) for each in rules]
    return answers + [_asked(store, "control", each.name, each.query, {}, ()) for each in controls if each.query]


def query_of(search: Search) -> str:
    """The ES|QL that finds what a saved search finds, bounded."""
    if search.esql:
        return search.query
    shown = ", ".join(dict.fromkeys((search.sort, *search.columns)))
    return f'FROM {search.index} | WHERE KQL("""{search.query}""") | SORT {search.sort} DESC | KEEP {shown} | LIMIT 100'


def _asked(store: Store, kind: str, name: str, query: str, given: Mapping[str, Any], columns: Sequence[str]) -> Answer:
    try:
        table = store.esql(query, values_of(query, given))
    except BusyhourError as error:
        return Answer(kind, name, problem=error.sentence())
    missing = [column for column in columns if table.columns and column not in table.columns]
    problem = f"the answer has no column {missing[0]!r}{nearest(missing[0], table.columns)}" if missing else ""
    return Answer(kind, name, len(table.rows), problem)
