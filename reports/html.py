"""The report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.content import Content, Incident, Worst
from reports.numbers import change, shown
from reports.pictures import Picture

SEVERITIES = {1: "critical", 2: "major", 3: "minor", 4: "warning"}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def embedded(picture: Picture) -> str:
    """The picture itself, as a data URL."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode()


def page(content: Content, pictures: Sequence[Picture], source: Callable[[Picture], str] = embedded) -> str:
    """HTML; everything that was stored is escaped."""
    return _ENVIRONMENT.get_template("page.html").render(
        content=content,
        pictures=pictures,
        source=source,
        shown=shown,
        change=change,
        length=length,
        limits=limits,
        severity=lambda number: SEVERITIES.get(number, str(number)),
        used=used,
    )


def length(incident: Incident) -> str:
    """`3 h 10 min`, or that it goes on."""
    if incident.end is None:
        return "goes on"
    minutes = round((incident.end - incident.start).total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def limits(worst: Worst) -> str:
    """The funnel at the entity's size; shares stay between 0 and 1."""
    low, high = worst.row.low, worst.row.high
    if worst.unit == "ratio":
        low, high = max(low, 0.0), min(high, 1.0)
    return f"{shown(low, worst.unit)} to {shown(high, worst.unit)}"


def used(value: Any, unit: str) -> str:
    """A value of the usage store, whose units are ms, bytes, ratio and count."""
    if value is None or isinstance(value, str):
        return value or "–"
    if unit == "ms":
        return shown(float(value) / 60_000, "min")
    return shown(float(value), "" if unit == "count" else unit)
