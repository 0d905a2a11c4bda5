"""What is written in any layout and mediated again gives the same documents, up to what `supplements.yml` says is lost."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contracts.clock import from_epoch_ms, iso
from contracts.ids import keyed_hash
from datagen.clocks import resolution
from datagen.pipeline import plan, tables
from datagen.table import MISSING, Column, Table, length, take
from datagen.writers import FileFacts, writer_of
from datagen.writers.resolve import supplement_of
from mediation.compile import Pace, Record, compile_layout
from mediation.formats import records as cut
from mediation.layout import Column as LayoutColumn
from mediation.layout import Layout
from mediation.lines import judge
from mediation.load import load_layouts

KEY = b"a key of the tests"
LAYOUTS = load_layouts()
PACE = Pace("2026-11-09T00:00:00.000Z", 1.0, 0)
SERVICES = ("voip", "sms", "epc")
WRITTEN = [
    (name, service) for name, layout in sorted(LAYOUTS.items()) for service in SERVICES if service in layout.services
]
FREE = (  # words that may be anything in a record
    "voip.codec",
    "voip.ingress.sbc",
    "voip.egress.sbc",
    "voip.trunk_group.originating",
    "voip.trunk_group.terminating",
    "subscriber.plan",
    "peer.type",
)


@cache
def day(service: str) -> Table:
    run = plan(services=[service], start=datetime(2026, 11, 9, tzinfo=UTC), days=1, rate=700, seed=3)
    return next(tables(run, service))


def mediated(layout: Layout, table: Table) -> tuple[Table, list[Any]]:
    """The records that were written, and what mediation makes of the file's."""
    writer = writer_of(layout)
    view = writer.view(table)
    content = writer.file(writer.records(view), FileFacts(sequence=7, start=0, end=3_600_000))
    stream = io.BytesIO(content)
    head = tuple(writer.head.encode().splitlines())
    outcome = judge(compile_layout(layout, KEY, pace=PACE), 1_000_000)
    raws = [raw for _, _, raw in cut(layout, stream, 1_000_000, b"") if raw and bytes(raw) not in head]
    return view, [outcome(raw) for raw in raws]


def assert_same(layout: Layout, service: str, table: Table) -> None:
    view, outcomes = mediated(layout, table)
    assert [each for each in outcomes if not isinstance(each, Record)] == []
    assert len(outcomes) == length(view)
    plain = {name: column.plain() for name, column in view.items()}
    lossy = supplement_of(layout).lossy
    for row, record in enumerate(outcomes):
        assert record.service == service
        found = dict(leaves(record.document))
        expected = {name: each for name, each in wanted(layout, service, view, plain, row).items() if name not in lossy}
        for name, value in expected.items():
            assert same(found.get(name), value), (name, found.get(name), value)
        for name in set(found) & set(view) - set(expected) - set(lossy):
            if plain[name][row] is None:
                continue  # made from another field
            assert close(found[name], plain[name][row], layout), (name, found[name], plain[name][row])


def wanted(layout: Layout, service: str, view: Table, plain: dict[str, list[Any]], row: int) -> dict[str, Any]:
    """Fields that the layout has a column or a time for, as they must come back; None: absent."""
    supplied, fields = supplement_of(layout).columns, {}
    for column in layout.columns:
        if column.field not in view or column.field in layout.locals or column.raw in supplied:
            continue
        if (column.only and service not in column.only) or not carried(layout, column):
            continue
        value = returned(layout, column, view[column.field], plain[column.field][row])
        if value is not None or all(derived.field != column.field for derived in layout.derived):
            fields[column.field] = value
    for time in layout.times:
        if time.field in view and time.columns and not set(time.columns) & set(supplied):
            step = step_of(layout, time.formats[0])
            value = int(view[time.field].values[row])
            fields[time.field] = None if value == MISSING else iso(from_epoch_ms(value // step * step))
    return fields


def carried(layout: Layout, column: LayoutColumn) -> bool:
    """Records of a BER file are of several kinds, of which each has some columns only."""
    return layout.format.kind != "ber" or column.raw in (
        "imsi",
        "imei",
        "uplink_bytes",
        "downlink_bytes",
        "apn",
        "rat",
        "qci",
    )


def step_of(layout: Layout, pattern: str) -> int:
    return 1000 if layout.format.kind == "ber" else resolution(pattern)


def returned(layout: Layout, column: LayoutColumn, cells: Column, value: Any) -> Any:
    """The value of a field after the way through its column."""
    if value is None or value == "":
        return None
    if column.type == "keyword":
        text = str(value)
        return keyed_hash(KEY, text) if column.pii == "hash" else text
    if column.type == "integer":
        value = math.floor(value + 0.5)
    value = value if column.high is None else min(value, column.high)
    shown = f"{value:.{cells.places}f}" if cells.kind == "decimal" and column.type == "decimal" else str(value)
    return None if shown in column.absent else value


def same(found: Any, value: Any) -> bool:
    if isinstance(value, float) and found is not None:
        return bool(found == pytest.approx(value, abs=1e-9))
    return bool(found == value)


def close(found: Any, value: Any, layout: Layout) -> bool:
    """Fields that are made from others: times to the format's second, counts and ratios nearly."""
    if isinstance(found, bool):
        return str(found).lower() == str(value)
    if isinstance(found, str) and isinstance(value, int) and found.endswith("Z"):
        return abs(datetime.fromisoformat(found).timestamp() - value / 1000) <= 1.5
    if isinstance(found, int | float) and isinstance(value, int | float):
        return abs(found - value) <= 1.0
    return found == (value if isinstance(found, int | float) else str(value)) or layout.format.kind == "ber"


def leaves(node: Any, path: str = "") -> Any:
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from leaves(value, name)
        else:
            yield name, value


@pytest.mark.parametrize(("name", "service"), WRITTEN)
def test_a_day_in_a_layout_is_mediated_to_the_same_documents(name: str, service: str) -> None:
    table = day(service)
    assert length(table) > 400
    assert_same(LAYOUTS[name], service, table)
    _, outcomes = mediated(LAYOUTS[name], table)
    assert len({record.id for record in outcomes}) == len(outcomes), "a duplicate in the books"


@pytest.mark.parametrize(("name", "service"), WRITTEN)
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_any_values_in_a_layout_are_mediated_to_the_same_documents(
    name: str, service: str, data: st.DataObject
) -> None:
    layout = LAYOUTS[name]
    table = take(day(service), np.array(data.draw(st.lists(st.integers(0, 400), min_size=1, max_size=6))))
    assert_same(
        layout, service, {field: data.draw(values_of(layout, field, column)) for field, column in table.items()}
    )


def values_of(layout: Layout, field: str, column: Column) -> st.SearchStrategy[Column]:
    """Other values of the same kind; what must be there stays, and times keep their order."""
    size, required = column.values.size, {each.field for each in layout.columns if each.required}
    if field in FREE and layout.format.kind != "ber":
        words = st.lists(words_of(layout), min_size=size, max_size=size)
        return words.map(lambda found: Column("label", np.arange(size), tuple(dict.fromkeys(found)))).map(
            lambda made: replace(made, values=np.arange(size) % len(made.labels))
        )
    if field in ("voip.pdd.ms", "epc.qci"):
        least, most = (0 if field in required else MISSING), 10**9 if field == "voip.pdd.ms" else 255
        numbers = st.lists(st.integers(least, most), min_size=size, max_size=size)
        return numbers.map(lambda found: replace(column, values=np.where(np.array(found) == 0, 1, found)))
    if column.kind == "decimal" and field.startswith("voip.call") and "duration" not in field:
        top = {"r_factor": 100, "mos": 5}.get(field.rpartition(".")[2], 1000) * 10**column.places
        numbers = st.lists(st.integers(MISSING, top), min_size=size, max_size=size)
        return numbers.map(lambda found: replace(column, values=np.array(found, np.int64)))
    return st.just(column)


def words_of(layout: Layout) -> st.SearchStrategy[str]:
    signs = "ab Zé€'\"\\,;|=\t{}[]:0" if layout.format.kind != "pairs" else "ab Zé€'\"\\,|={}[]:0"
    texts = st.text(alphabet=signs, min_size=1, max_size=8)
    return texts.map(str.strip).filter(bool)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_the_documentation_says_what_a_layout_loses(name: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "generator.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert all(f"`{field}`: {why}" in row for field, why in supplement_of(LAYOUTS[name]).lossy.items())
