"""Points as the store has them, and the same from the twin, in one comparable form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from contracts.clock import epoch_ms, parse_iso
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis.parts import RESOLUTIONS, Point

Place = tuple[str, str, int]


def stored(store: Store, resolution: int) -> dict[Place, Point]:
    """Every point of one resolution."""
    found: dict[Place, Point] = {}
    for hit in store.scan(KPI_INDEX[resolution]):
        source = hit["_source"]
        kpi, entity = source["kpi"], f"{source['entity']['type']}:{source['entity']['id']}"
        bucket = epoch_ms(parse_iso(source["@timestamp"]))
        values = [kpi.get(name) for name in ("value", "numerator", "denominator")]
        point = Point(kpi["id"], entity, bucket, *values, kpi["samples"], kpi["state"], kpi.get("bins", ""))
        assert (kpi["id"], entity, bucket) not in found
        found[kpi["id"], entity, bucket] = point
    return found


def everything(store: Store) -> dict[int, dict[Place, Point]]:
    """Every point by resolution."""
    return {resolution: stored(store, resolution) for resolution in RESOLUTIONS}


def placed(points: Iterable[Point]) -> dict[Place, Point]:
    """Points by place, none twice."""
    found: dict[Place, Point] = {}
    for point in points:
        place = point.kpi, point.entity, point.bucket_ms
        assert place not in found, place
        found[place] = point
    return found


def assert_same(left: dict[Place, Point], right: dict[Place, Point]) -> None:
    """Same places and states; counts exact, other numbers to 1e-9."""
    assert left.keys() == right.keys(), sorted(left.keys() ^ right.keys())[:5]
    for place, one in left.items():
        other = right[place]
        assert (one.samples, one.state, one.bins) == (other.samples, other.state, other.bins), (one, other)
        for name in ("value", "numerator", "denominator"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None), (one, other)
            if isinstance(a, int) and isinstance(b, int):
                assert a == b, (one, other)
            elif a is not None:
                assert a == pytest.approx(b, rel=1e-9, abs=1e-12), (one, other)


def ms(moment: datetime) -> int:
    return epoch_ms(moment)
