"""The roll-up in ES|QL and its twin in Python make the same points of the same records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.clock import epoch_ms, iso
from contracts.entities import SERVICES
from contracts.settings import Settings
from infrastructure.store import Operation, Store
from kpis import catalogue, twin
from kpis.parts import RESOLUTIONS
from kpis.pipeline import rollup
from tests.kpis.random_records import Records, put
from tests.kpis.stored import assert_same, placed, stored

START = datetime(2026, 10, 29, 22, 0, tzinfo=UTC)  # the records cross a month's, hence a partition's, edge
INGESTED = datetime(2026, 11, 10, tzinfo=UTC)


def _store(settings: Settings, density: int) -> Store:
    return Store.connect(settings.with_values(kpi_density=density))


@pytest.mark.parametrize(("density", "seed"), [(0, 1), (1, 2)])
def test_rollup_equals_twin_on_random_records(store: Store, sparse_settings: Settings, density: int, seed: int) -> None:
    dense = _store(sparse_settings, density)
    days = 1.9 if density else 0.4
    until = START + timedelta(days=days, hours=1, minutes=2)
    records = Records(seed, START, days, INGESTED)
    documents = {service: records.many(service, 800 if density else 200) for service in SERVICES}
    for service in SERVICES:
        put(dense, service, documents[service])
    proven = (epoch_ms(START), epoch_ms(START + timedelta(days=1)))
    _book(store, "voip", *proven)

    rollup(dense, until=until, now=INGESTED + timedelta(hours=1))

    definitions, services = catalogue.load(dense.settings), catalogue.services()
    expected = {
        service: twin.roll(
            definitions,
            services[service],
            documents[service],
            epoch_ms(until),
            files=[(proven[0], proven[1] + 1)] if service == "voip" else [],
            density=density,
        )
        for service in SERVICES
    }
    for resolution in RESOLUTIONS:
        points = placed(point for service in SERVICES for point in expected[service][resolution])
        assert_same(stored(store, resolution), points)
        assert points
    states = {point.state for point in stored(store, 3600).values()}
    assert states == {"ok", "no_data", "insufficient_data", "not_measurable"}


def test_rollup_is_the_same_with_a_small_row_cap(store: Store, sparse_settings: Settings) -> None:
    put(store, "voip", Records(5, START, 2, INGESTED).many("voip", 700))
    put(store, "epc", Records(6, START, 2, INGESTED).many("epc", 700))
    until = START + timedelta(days=2)
    rollup(store, until=until, now=INGESTED + timedelta(hours=1))
    whole = stored(store, 3600)
    small = Store.connect(sparse_settings.with_values(rollup_rows=1000))
    small._row_cap = 250  # below what the setting allows: windows must be halved
    rollup(small, since=START - timedelta(days=9), until=until, now=INGESTED + timedelta(hours=2))
    assert_same(whole, stored(store, 3600))


def _book(store: Store, service: str, first: int, last: int) -> None:
    times = {
        "first": iso(datetime.fromtimestamp(first / 1000, UTC)),
        "last": iso(datetime.fromtimestamp(last / 1000, UTC)),
    }
    source = {"event": {"ingested": iso(INGESTED)}, "service": {"name": service}, "file": {"state": "closed", **times}}
    store.write_all([Operation("create", store.place("cdr-file"), "book", source)])
