"""Cells in records, and what is known about them: mediation can enrich from what the generator writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from datagen.arrivals import DAY_MS
from datagen.lines import lines
from datagen.network import Network, read_network
from datagen.pipeline import plan, tables
from datagen.references import location, write_references
from datagen.table import Table, concatenate
from mediation.compile import Record, compile_layout
from mediation.enrich.references import Tables, fills
from mediation.load import FOLDER, load_layout

Rebuilt = Callable[..., Network]
MONDAY = date(2026, 11, 9)


def made(service: str, days: int = 2, rate: float = 10_000, network: Network | None = None) -> Table:
    run = plan(services=[service], start=MONDAY, days=days, rate=rate, seed=4, network=network)
    return concatenate(list(tables(run, service)))


def known(out: Path, table: str) -> dict[str, dict[str, object]]:
    """A reference table as mediation reads it: column → key → value."""
    write_references(out, plan(start=MONDAY, days=1, seed=4).model)
    fill = next(fill for fill in fills() if fill.table == table)
    return {name: dict(rows) for name, rows in Tables(out / "references").columns(fill).items()}


def test_references_are_tables_that_mediation_reads(tmp_path: Path) -> None:
    write_references(tmp_path, plan(start=MONDAY, days=1, seed=4).model)
    assert Tables(tmp_path / "references").check() == {"trunk_groups": 7, "sbcs": 2, "cells": 320, "plans": 3}


def test_references_know_every_name_in_the_records(tmp_path: Path) -> None:
    calls, messages, sessions = (made(service, 1) for service in ("voip", "sms", "epc"))
    groups, sbcs = known(tmp_path, "trunk_groups"), known(tmp_path, "sbcs")
    for name in ("voip.trunk_group.originating", "voip.trunk_group.terminating"):
        assert set(calls[name].plain()) <= set(groups["region"])
    assert groups["channels"]["TG3"] == 30
    for name in ("voip.ingress.sbc", "voip.egress.sbc"):
        assert set(calls[name].plain()) <= set(sbcs["site"])
    cells, plans = known(tmp_path, "cells"), known(tmp_path, "plans")
    for table in (messages, sessions):
        assert set(table["subscriber.cell"].plain()) <= set(cells["region"])
        assert set(table["subscriber.plan"].plain()) <= set(plans["segment"])


def test_cells_have_the_radio_access_of_the_record(tmp_path: Path) -> None:
    technology = known(tmp_path, "cells")["technology"]
    table = made("epc")
    cells, accesses = table["subscriber.cell"].plain(), table["epc.rat"].plain()
    assert [technology[cell] for cell in cells] == accesses
    assert set(accesses) == {"EUTRAN", "NR", "UTRAN", "NB-IOT"}


def test_cells_of_a_session_stay_in_its_partial_records() -> None:
    table = made("epc", 3)
    key = np.stack([table["epc.pgw.address"].values, table["epc.charging_id"].values])
    session, place = np.unique(key, axis=1, return_inverse=True)
    pairs = np.unique(np.stack([place.ravel(), table["subscriber.cell"].values]), axis=1)
    assert pairs.shape[1] == session.shape[1] < table["_time"].values.size


def test_cells_are_home_at_night_and_work_by_day() -> None:
    table = made("sms", 5, 20_000)
    who, cell = table["subscriber.msisdn"].values, table["subscriber.cell"].values
    hour = table["event.start"].values % DAY_MS // 3_600_000
    day, night = (hour >= 9) & (hour < 17), (hour >= 19) | (hour < 6)
    numbers, counts = np.unique(who, return_counts=True)
    moved = same = 0
    for number in numbers[counts >= 60]:
        usual = [np.bincount(cell[(who == number) & rows]).argmax() for rows in (day, night)]
        moved, same = moved + (usual[0] != usual[1]), same + (usual[0] == usual[1])
        assert (cell[(who == number) & night] == usual[1]).mean() > 0.7
    assert moved > 3 * same


def test_cells_are_written_where_a_layout_has_them(tmp_path: Path) -> None:
    text = (FOLDER / "sms-busyhour.yml").read_text("utf-8").replace("layout: sms-busyhour", "layout: sms-cells")
    column = "  - {name: plan, field: subscriber.plan}\n"
    assert column in text
    path = tmp_path / "sms-cells.yml"
    path.write_text(text.replace(column, column + "  - {name: cell, field: subscriber.cell}\n"), "utf-8")
    layout = load_layout(path)
    table = made("sms", 1, 300)
    mediate = compile_layout(layout, b"key").mediate
    for line, cell in zip(lines(table, layout), table["subscriber.cell"].plain(), strict=True):
        record = mediate(line.rstrip("\n"))
        assert isinstance(record, Record)
        subscriber = record.document["subscriber"]
        assert isinstance(subscriber, dict)
        assert subscriber["cell"] == cell


def test_sites_stand_within_their_region() -> None:
    for region in read_network().customers.radio.regions:
        places = [location(region, site) for site in range(region.sites)]
        assert len(set(places)) == region.sites
        for north, east in places:
            x = (east - region.longitude) * 111.2 * np.cos(np.radians(region.latitude))
            y = (north - region.latitude) * 111.2
            assert np.hypot(x, y) <= region.radius_km * 1.01


def test_network_without_the_new_sections_is_read_as_before(network_with: Rebuilt) -> None:
    def older(net: dict) -> None:  # type: ignore[type-arg]
        for key in ("calendar", "trend", "promotions", "radio"):
            net.pop(key)
        for key in ("circle", "plans", "currency", "accounts", "devices"):
            net["customers"].pop(key)
        net["voip"]["sbcs"] = ["lon-sbc", "fra-sbc"]

    network = network_with(older)
    table = made("epc", 1, 500, network)
    assert table["_time"].values.size == pytest.approx(550, rel=0.2)
    assert all(cell.startswith("home-") for cell in table["subscriber.cell"].plain())
