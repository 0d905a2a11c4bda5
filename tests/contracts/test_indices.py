"""Names of indices: one home, told apart by a digit, partitions by the record's own time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contracts.errors import InternalError
from contracts.indices import ALL, BY_NAME, CDR_INDEX, KPI_INDEX, concrete, partition

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_indices_are_declared_once_with_fields_and_meaning() -> None:
    assert len(BY_NAME) == len(ALL)
    for index in ALL:
        names = [field.name for field in index.fields]
        assert index.meaning
        assert len(set(names)) == len(names), index.name
    assert {*CDR_INDEX.values(), *KPI_INDEX.values()} <= BY_NAME.keys()


def test_partition_is_never_shorter_than_the_least_of_its_index() -> None:
    assert [partition("cdr-voip", NOON, period) for period in ("day", "month")] == [
        "cdr-voip-2026.11.21",
        "cdr-voip-2026.11",
    ]
    assert [partition("kpi-1d", NOON, period) for period in ("day", "year")] == ["kpi-1d-2026", "kpi-1d-2026"]


def test_concrete_refuses_a_growing_or_unknown_index() -> None:
    assert concrete("ticket") == "ticket-1"
    for name in ("cdr-voip", "tikcet"):
        with pytest.raises(InternalError, match=name):
            concrete(name)
