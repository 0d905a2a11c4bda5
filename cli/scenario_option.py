"""`--incidents FILE|all`: a scenario file, or the whole library placed once in the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from datagen.network import Network
from datagen.placement import library_incidents

ALL = "all"


class ScenarioType(click.Path):
    """A path of a file that exists, or the word `all`."""

    name = "FILE|all"

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == ALL else super().convert(value, param, ctx)


def scenario_of(
    given: Path | str | None, *, services: Sequence[str], first: date, days: int, network: Network
) -> Path | Sequence[Mapping[str, Any]] | None:
    """What `generate` takes: the file, the placed library, or nothing. Raises DefinitionError when the run is too short."""
    if given is None or isinstance(given, Path):
        return given
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return library_incidents(network, start=start, end=start + timedelta(days=max(days, 0)), services=services)
