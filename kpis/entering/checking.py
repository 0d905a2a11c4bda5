"""What a value that people enter must be."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from contracts.clock import floor_to
from contracts.entities import Entity
from contracts.errors import UserError
from kpis.tracking.model import Tracked

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LARGEST = 1e15
LONGEST_NAME = 200


def check(tracked: Tracked, entity: str, moment: datetime, value: float, now: datetime) -> datetime:
    """Start of the bucket that the value is for. Raises UserError naming what is wrong."""
    if tracked.source not in ("manual", "file"):
        raise UserError(
            f"comes from {tracked.source}, and is not entered by hand",
            where=tracked.id,
            remedy="define a KPI of source manual for it",
        )
    if not tracked.active:
        raise UserError("is retired", where=tracked.id)
    check_entity(tracked, entity)
    check_value(tracked, value)
    if not EARLIEST <= moment <= now + timedelta(days=1):
        raise UserError(f"{moment:%Y-%m-%d} is before 2000 or in the future", where="time")
    return floor_to(moment, tracked.resolutions[0])


def check_entity(tracked: Tracked, entity: str) -> None:
    try:
        kind, name = Entity.parse(entity)
    except ValueError as error:
        raise UserError(str(error)[:100], where="entity", remedy="write it as service:voip or region:north") from None
    if not kind.replace("_", "").isalpha() or not kind.isascii() or not kind.islower() or len(kind) > 32:
        raise UserError(f"{kind[:40]!r} is no entity type", where="entity", remedy="lower-case letters, such as region")
    if tracked.dimensions and kind not in tracked.dimensions:
        raise UserError(f"{kind} is none of {', '.join(tracked.dimensions)}", where="entity")
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise UserError(f"its name is empty, longer than {LONGEST_NAME} characters or not printable", where="entity")


def check_value(tracked: Tracked, value: float) -> None:
    if not math.isfinite(value):
        raise UserError(f"{value} is no number", where="value")
    if abs(value) > LARGEST:
        raise UserError(f"{value:g} is beyond {LARGEST:g}", where="value")
    if tracked.unit == "ratio" and not 0 <= value <= 1:
        raise UserError(f"{value:g} is no ratio", where="value", remedy="a share of 0 to 1: 0.97 for 97 %")
