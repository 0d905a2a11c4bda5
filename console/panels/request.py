"""What a panel's query becomes for one viewer: parameters from time range and controls, filters of the drill-down. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from console.charts.common import FILTERED
from console.errors import RequestError
from console.timerange import TimeRange
from contracts.clock import iso
from contracts.indices import BY_NAME
from dashboards.model import ANY, Dashboard, Panel
from dashboards.queries import sources_of, values_of

MOST_FILTERS = 8
LONGEST_VALUE = 200  # characters


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a viewer chose: time range, values of controls by their name, filters (field, value) from clicks."""

    times: TimeRange
    controls: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        texts = [*self.controls.values(), *(value for _, value in self.filters)]
        if len(self.filters) > MOST_FILTERS or any(len(text) > LONGEST_VALUE for text in texts):
            raise RequestError(f"more than {MOST_FILTERS} filters, or a value longer than {LONGEST_VALUE} characters")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query ready to be sent. `sources`: indices that it reads. `ignored`: filters on fields that they do not have."""

    query: str
    values: tuple[tuple[str, Any], ...]
    where: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    ignored: tuple[str, ...] = ()

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [{name: value} for name, value in self.values]

    @property
    def filter(self) -> dict[str, Any] | None:
        """In the query DSL."""
        if not self.where:
            return None
        return {"bool": {"filter": [{"term": {name: value}} for name, value in self.where]}}

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(f"{source}:read" for source in self.sources)


def asked(board: Dashboard, panel: Panel, chosen: Chosen) -> Asked:
    """The panel's query for what was chosen. A control that is a field, and a click, filter the records that are read."""
    given: dict[str, Any] = {"_tstart": iso(chosen.times.since), "_tend": iso(chosen.times.until)}
    given |= {
        control.variable: chosen.controls.get(control.variable, ANY) for control in board.controls if control.variable
    }
    fields = {control.name: control.field for control in board.controls if control.field}
    picked = [(fields[name], value) for name, value in chosen.controls.items() if name in fields and value != ANY]
    sources = sources_of(panel.query)
    known = _fields_of_all(sources)
    wanted = [*picked, *chosen.filters]
    values = [pair for row in values_of(panel.query, given) for pair in row.items()]
    return Asked(
        query=panel.query,
        values=tuple(values),
        where=tuple(pair for pair in wanted if pair[0] in known),
        sources=sources,
        ignored=tuple(dict.fromkeys(name for name, _ in wanted if name not in known)),
    )


def filterable(name: str) -> bool:
    """A field that a term can filter: some index has it, and it is no text that is only kept."""
    return any(field.name == name and field.type in FILTERED for index in BY_NAME.values() for field in index.fields)


@cache
def _fields_of_all(sources: tuple[str, ...]) -> frozenset[str]:
    """Fields that every one of the indices has: a filter on another would hide what a query joins to its points."""
    each = [frozenset(field.name for field in BY_NAME[name].fields) for name in sources]
    return frozenset.intersection(*each) if each else frozenset()
