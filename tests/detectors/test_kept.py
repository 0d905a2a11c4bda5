"""Points kept from the training before: only what is new is read, and what comes out is what the store holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.clock import epoch_ms, iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from detectors.kept import KeptPoints
from detectors.panel import PARTS, Panel
from detectors.reading import load_panel
from infrastructure.setup import empty, set_up
from infrastructure.store import Operation, Store
from kpis.documents import point_id
from tests.detectors.simulator import KPIS

KPI = KPIS["voip.ner"]
START = datetime(2026, 10, 5, tzinfo=UTC)
TG1, TG2 = Entity("trunk_group", "TG1"), Entity("trunk_group", "TG2")


class _Definition:
    id, version = KPI.id, KPI.version


def write(
    store: Store, hours: range, value: float, entities: tuple[Entity, ...] = (TG1, TG2), origin: str = "cdr"
) -> None:
    """Hourly points as a roll-up of now writes them."""
    operations = []
    for hour in hours:
        moment = START + timedelta(hours=hour)
        for entity in entities:
            source: dict[str, Any] = {
                "@timestamp": iso(moment),
                "event": {"ingested": iso(store.clock())},
                "service": {"name": "voip"},
                "entity": {"type": entity.type, "id": entity.id},
                "kpi": {
                    "id": KPI.id, "version": KPI.version, "resolution": {"sec": 3600}, "origin": origin, "state": "ok",
                    "value": value, "numerator": 100 * value, "denominator": 100.0, "samples": 100,
                },
            }  # fmt: skip
            key = point_id(_Definition(), str(entity), iso(moment), origin)  # type: ignore[arg-type]
            operations.append(Operation("index", store.place(KPI_INDEX[3600], moment), key, source))
    store.write_all(operations)
    store.refresh(KPI_INDEX[3600])


def span(hours: int, first: int = 0) -> tuple[int, int]:
    return epoch_ms(START + timedelta(hours=first)), epoch_ms(START + timedelta(hours=hours))


def same(one: Panel, other: Panel) -> bool:
    return one.series == other.series and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in (*PARTS, "starts", "coverage")
    )


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> KeptPoints:
    """A store an hour later than its points, so that they are older than the allowance."""
    write(store, range(48), 0.9)
    later = KeptPoints(store, tmp_path / "points")
    later.load(KPI, 3600, *span(48))
    return later


def _aged(kept: KeptPoints, monkeypatch: pytest.MonkeyPatch) -> KeptPoints:
    monkeypatch.setattr("detectors.kept.ALLOWANCE", timedelta(0))
    return KeptPoints(kept.store, kept.folder)


def test_second_reading_asks_for_what_is_new_only(kept: KeptPoints, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (kept.points, kept.read) == (96, 96)
    again = _aged(kept, monkeypatch)
    write(kept.store, range(48, 50), 0.8)
    panel = again.load(KPI, 3600, *span(50, first=2))
    assert (again.points, again.read, again.anew) == (96, 4, [])
    assert same(panel, load_panel(kept.store, KPI, 3600, *span(50, first=2)))


def test_point_that_was_rolled_again_is_read_again(kept: KeptPoints, monkeypatch: pytest.MonkeyPatch) -> None:
    again = _aged(kept, monkeypatch)
    write(kept.store, range(7, 8), 0.1, (TG2,))
    write(kept.store, range(9, 10), 0.2, (TG1,), origin="manual")
    panel = again.load(KPI, 3600, *span(48))
    assert (again.read, again.anew) == (2, [])
    assert (panel.value[1, 7], panel.value[0, 9]) == (0.1, 0.2)
    assert same(panel, load_panel(kept.store, KPI, 3600, *span(48)))


def test_earlier_span_than_was_kept_is_read_as_well(kept: KeptPoints, monkeypatch: pytest.MonkeyPatch) -> None:
    write(kept.store, range(-5, 0), 0.7)
    again = _aged(kept, monkeypatch)
    panel = again.load(KPI, 3600, *span(40, first=-5))
    assert same(panel, load_panel(kept.store, KPI, 3600, *span(40, first=-5)))
    assert again.read < 20


def test_point_that_was_written_under_a_clock_gone_back_is_read_again(
    kept: KeptPoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(kept.store, "clock", lambda: START)  # long before the reading
        write(kept.store, range(7, 8), 0.1, (TG2,))
    again = _aged(kept, monkeypatch)
    panel = again.load(KPI, 3600, *span(48))
    assert panel.value[1, 7] == 0.1
    assert len(again.anew) == 1


def test_entities_are_read_anew_where_a_file_lacks_them(kept: KeptPoints, tmp_path: Path) -> None:
    few = KeptPoints(kept.store, tmp_path / "few")
    few.load(KPI, 3600, *span(48), {TG1})
    assert few.read == 48
    both = few.load(KPI, 3600, *span(48), {TG1, TG2})
    assert [one.entity for one in both.series] == [TG1, TG2]
    assert [one.entity for one in kept.load(KPI, 3600, *span(48), {TG2}).series] == [TG2]


def test_points_loaded_twice_in_a_training_are_asked_for_and_counted_once(kept: KeptPoints) -> None:
    before = (kept.points, kept.read)
    write(kept.store, range(7, 8), 0.1, (TG2,))
    panel = kept.load(KPI, 3600, *span(48), {TG2})
    assert (kept.points, kept.read) == before
    assert panel.value[0, 7] == 0.9  # as the rest of the training saw it
    assert [one.entity for one in panel.series] == [TG2]


def test_store_that_was_emptied_is_read_anew(kept: KeptPoints, monkeypatch: pytest.MonkeyPatch) -> None:
    empty(kept.store)
    set_up(kept.store)
    write(kept.store, range(48), 0.5)
    again = _aged(kept, monkeypatch)
    assert (again.load(KPI, 3600, *span(48)).value == 0.5).all()
    assert again.read == 96


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "gone", "half a row short"])
def test_damaged_file_costs_a_reading_and_nothing_else(
    damage: str, kept: KeptPoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(kept.folder.iterdir())
    whole = path.read_bytes()
    if damage == "half a row short":
        write(kept.store, range(48), 0.9)  # the file's points are as they were; one is missing from it
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        pq.write_table(table.slice(1).replace_schema_metadata(table.schema.metadata), path)
        monkeypatch.setattr("detectors.kept.ALLOWANCE", -timedelta(hours=1))
    else:
        path.unlink()
        content = {"cut": whole[:-20], "empty": b"", "other": b"PAR1 no"}
        if damage in content:
            path.write_bytes(content[damage])
    again = KeptPoints(kept.store, kept.folder)
    assert same(again.load(KPI, 3600, *span(48)), load_panel(kept.store, KPI, 3600, *span(48)))
    assert again.read == 96


def test_folder_that_cannot_be_written_is_no_failure(store: Store, tmp_path: Path) -> None:
    write(store, range(5), 0.9)
    (tmp_path / "file").write_text("in the way")
    found = KeptPoints(store, tmp_path / "file" / "points").load(KPI, 3600, *span(5))
    assert len(found.series) == 2
