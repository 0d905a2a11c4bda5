"""The bench counts generated records as the pure twin does."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.settings import read
from datagen.pipeline import plan, tables
from detectors.adapter import judged_kpis
from detectors.bench.points import points_of
from detectors.bench.tables import count
from kpis import catalogue, twin
from kpis.parts import point
from tests.datagen.kpis_of_tables import LONG_AFTER_MS, Window, documents, generated, parts

DAY_MS = 86_400_000
FIRST = date(2026, 9, 7)
START = (FIRST - date(1970, 1, 1)).days * DAY_MS
RATES = {"voip": 600.0, "sms": 400.0, "epc": 300.0}
STRUCK = {
    "voip": {"type": "trunk_outage", "place": "TG2", "start": "2026-09-07T10:00:00Z"},
    "sms": {"type": "sms_backlog", "place": "smsc-1", "start": "2026-09-07T10:00:00Z"},
    "epc": {"type": "pgw_restart", "place": "192.0.2.11", "start": "2026-09-07T10:00:00Z"},
}


@pytest.mark.parametrize("service", list(RATES))
def test_counts_are_those_of_the_twin(service: str) -> None:
    definitions = catalogue.load(read({}))
    own = [one for one in definitions.values() if one.service == service]
    run = plan(services=[service], start=FIRST, days=1, rate=RATES[service], seed=3, incidents=[STRUCK[service]])
    found = count(own, catalogue.services()[service], tables(run, service), START, 288)
    table = generated(service, FIRST, 1, RATES[service], 3, [STRUCK[service]])
    expected = parts(service, table, Window(START, START + DAY_MS))
    assert expected
    kpis = {one.id: one for one in judged_kpis(definitions)}
    points = points_of({service: found}, own, kpis, {}, 0, ZoneInfo("UTC"))
    for key, one in expected.items():
        definition, bucket = definitions[key.kpi], key.bucket - START // 300_000
        row = found.entities.index(key.entity)
        if definition.kind != "percentile":
            sums = found.tallies[key.kpi].sums
            names = ("numerator", "denominator", "samples", "candidates")
            seen = [sums[name][row, bucket] for name in names]
            assert seen == pytest.approx([getattr(one, name) for name in names], rel=1e-9), key
        made = point(definition, key.entity, key.bucket, 300, one)
        if key.kpi in kpis and made is not None and made.value is not None:
            panel = points.panels[key.kpi, 300]
            place = [str(series.entity) for series in panel.series].index(key.entity)
            assert panel.value[place, bucket] == pytest.approx(made.value, rel=1e-9), key
    totals = {kpi: sum(one.samples for key, one in expected.items() if key.kpi == kpi) for kpi in found.tallies}
    for kpi, tally in found.tallies.items():
        if definitions[kpi].kind != "percentile" and definitions[kpi].finest_sec == 300:
            assert tally.sums["samples"].sum() == totals[kpi], kpi
    assert np.isfinite(found.records).all()


def test_what_numbers_do_is_counted_as_the_twin_does() -> None:
    definitions = catalogue.load(read({}))
    own = {key: one for key, one in definitions.items() if one.numbers is not None}
    struck = [
        {"type": "sim_box", "place": "carrier-in", "start": "2026-09-07T08:00:00Z"},
        {"type": "wangiri", "place": "carrier-in", "start": "2026-09-07T20:00:00Z"},
        {"type": "irsf", "place": "TG2", "start": "2026-09-07T01:00:00Z"},
    ]
    service = catalogue.services()["voip"]
    run = plan(services=["voip"], start=FIRST, days=1, rate=4000.0, seed=3, incidents=struck)
    found = count(list(own.values()), service, tables(run, "voip"), START, 288)
    records = [twin.record(service, one) for one in documents("voip", generated("voip", FIRST, 1, 4000.0, 3, struck))]
    expected = twin.parts(own, records, 3600, LONG_AFTER_MS)
    told = {key: one for key, one in expected.items() if one.numerator}
    assert {key.kpi for key in told} == set(own)
    for key, one in expected.items():
        hour, row = key.bucket - START // 3_600_000, found.entities.index(key.entity)
        if 0 <= hour < 24:
            sums = found.tallies[key.kpi].sums
            seen = [sums[name][row, hour * 12 : hour * 12 + 12].sum() for name in ("numerator", "denominator")]
            assert seen == [one.numerator, one.denominator], key
