"""Reference tables: rows become fields, bad tables are refused by file, line and column, both runners agree."""

from __future__ import annotations

import csv
import dataclasses
import io
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cli.main import cli
from contracts.errors import DefinitionError, SettingError, StoreRefused, UserError
from contracts.indices import BY_NAME, CDR_INDEX
from contracts.settings import Settings, read
from infrastructure.store import Store
from mediation.columns.compile import compile_columns
from mediation.compile import Record, compile_layout
from mediation.enrich.configured import configured, fills_of
from mediation.enrich.pulling import pull
from mediation.enrich.references import fills, read_table
from mediation.golden import KEY
from mediation.layout import Layout
from mediation.load import load_layouts
from mediation.logstash.enrich import write_references
from tests.enrich.rendered import rendered, run_filters, run_script, writer

TRUNKS = (
    'trunk_group,carrier,site,region,channels\nTG1,Acme,London,EU,480\nTG2,"Big, Bold",,US,\n\nTG9,Other,Paris,EU,30\n'
)
TYPES = {"carrier": "keyword", "site": "keyword", "region": "keyword", "channels": "integer"}
LINE = (
    "a1,1,2026-03-28T09:00:00Z,,2026-03-28T09:01:05Z,,+447700900001,+447700900002,ringing,17,486,420,PCMA,"
    ",,,,,,,,,,lon-sbc,fra-sbc,TG1,TG2"
)


def at(folder: Path, country: str = "") -> Settings:
    return read({"BUSYHOUR_REFERENCE_FOLDER": str(folder), "BUSYHOUR_NUMBERS_HOME_COUNTRY": country})


def voip(folder: Path) -> Layout:
    return configured(load_layouts(), at(folder))["voip-busyhour"]


def document(layout: Layout, line: str = LINE) -> dict[str, Any]:
    outcome = compile_layout(layout, KEY).mediate(line)
    assert isinstance(outcome, Record), outcome
    return outcome.document


def test_fills_name_fields_of_the_right_type() -> None:
    declared = {field.name: field.type for index in CDR_INDEX.values() for field in BY_NAME[index].fields}
    for fill in fills():
        assert declared[fill.by] == "keyword"
        for column, field in fill.fields.items():
            assert declared[field] == fill.types[column]


def test_document_gets_what_the_tables_know(tmp_path: Path) -> None:
    (tmp_path / "trunk_groups.csv").write_text(TRUNKS, encoding="utf-8-sig")
    (tmp_path / "sbcs.csv").write_text("site,sbc\r\nFrankfurt,fra-sbc\r\n", newline="")
    found = document(voip(tmp_path))["voip"]
    assert found["originating"] == {"carrier": "Acme", "site": "London", "region": "EU", "channels": 480}
    assert found["terminating"] == {"carrier": "Big, Bold", "region": "US"}
    assert found["egress"] == {"sbc": "fra-sbc", "site": "Frankfurt"}
    assert found["ingress"] == {"sbc": "lon-sbc"}


def test_document_stays_as_it_is_without_tables(tmp_path: Path) -> None:
    shipped = load_layouts()["voip-busyhour"]
    assert voip(tmp_path) == shipped
    assert configured(load_layouts(), read({}))["voip-busyhour"] is not None
    assert document(voip(tmp_path)) == document(shipped)


def test_table_fills_no_field_that_the_layout_fills_itself() -> None:
    layout = load_layouts()["voip-busyhour"]
    own = dataclasses.replace(layout, constants={"voip.terminating.carrier": "known"})
    assert {field for fill in fills_of(layout) for field in fill.fields.values()} - {
        field for fill in fills_of(own) for field in fill.fields.values()
    } == {"voip.terminating.carrier"}


def test_configuring_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "trunk_groups.csv").write_text(TRUNKS)
    once = configured(load_layouts(), at(tmp_path, "GB"))
    assert configured(once, at(tmp_path, "GB")) == once
    assert {number.home for layout in once.values() for number in layout.numbers} == {"GB"}


def test_fast_way_has_the_same_reference_fields(tmp_path: Path) -> None:
    (tmp_path / "trunk_groups.csv").write_text(TRUNKS)
    layout = voip(tmp_path)
    columns = compile_columns(layout, KEY)
    assert columns is not None
    heads = {"voip": {"2026-03-28": "{"}}
    taken = columns.take(
        LINE.encode(), 0, log='"log":{"offset":', stamp="2026-11-21T00:00:00.000Z", latest="~", heads=heads
    )
    found = orjson.loads(taken.texts[0].splitlines()[1])
    assert {**found["voip"]} == document(layout)["voip"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "line 1", "trunk_group: is missing"),
        ("carrier,site\nAcme,London\n", "line 1", "trunk_group: is missing"),
        ("trunk_group,carier\nTG1,Acme\n", "line 1", "carier: is no column"),
        ("trunk_group,carrier,carrier\nTG1,a,b\n", "line 1", "carrier: occurs twice"),
        ("trunk_group,carrier\nTG1,Acme\nTG1,Other\n", "line 3", "trunk_group: 'TG1' occurs twice"),
        ("trunk_group,carrier\n\n,Acme\n", "line 3", "trunk_group: is empty"),
        ("trunk_group,carrier\nTG1,Acme,x\n", "line 2", "3 columns, not 2"),
        ("trunk_group,channels\nTG1,many\n", "line 2", "channels: 'many' is not a whole number"),
        ("trunk_group,channels\nTG1,-3\n", "line 2", "channels"),
        ("trunk_group,channels\nTG1,4294967296\n", "line 2", "channels"),
        ("trunk_group,channels\nTG1,٣\n", "line 2", "channels"),
        ("trunk_group,carrier\nTG1, Acme\n", "line 2", "carrier: ' Acme' has white space"),
        ('trunk_group,carrier\nTG1,"Acme\n', "line 2", "a quote is open"),
        ('trunk_group,carrier\nTG1,Ac"me\n', "line 2", "a quote is open"),
    ],
)
def test_bad_table_is_refused_by_line_and_column_on_both_runners(
    tmp_path: Path, text: str, where: str, what: str
) -> None:
    path = tmp_path / "trunk_groups.csv"
    path.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        voip(tmp_path)
    assert f"trunk_groups.csv, {where}: {what}" in str(caught.value)
    answer = run_script("reference", _params(tmp_path), [])
    assert answer == [] if not text else f"trunk_groups.csv, {where}" in answer["error"]


def _params(folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "table": "trunk_groups",
        "key": "trunk_group",
        "by": "[t]",
        "columns": list(TYPES),
        "keywords": {name: f"[{name}]" for name, kind in TYPES.items() if kind == "keyword"},
        "integers": {"channels": "[channels]"},
    }


def test_table_that_is_not_utf8_is_refused_on_both_runners(tmp_path: Path) -> None:
    (tmp_path / "trunk_groups.csv").write_bytes(b"trunk_group,carrier\nTG1,caf\xe9\n")
    with pytest.raises(DefinitionError, match="is not UTF-8"):
        voip(tmp_path)
    assert "error" in run_script("reference", _params(tmp_path), [])


def test_folder_or_home_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is no folder"):
        voip(tmp_path / "missing")
    with pytest.raises(SettingError, match="'UK' is no country with a number plan"):
        configured(load_layouts(), read({"BUSYHOUR_NUMBERS_HOME_COUNTRY": "UK"}))


cells = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"), max_size=6).map(str.strip)
rows = st.dictionaries(cells.filter(bool), st.tuples(cells, cells, st.integers(0, 10**9 - 1)), max_size=6)


@given(rows)
def test_table_written_by_csv_is_read_back(tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any]) -> None:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow(["trunk_group", "carrier", "site", "channels"])
    lines.writerows([key, *row] for key, row in table.items())
    path = tmp_path_factory.mktemp("table") / "trunk_groups.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    found = read_table(path, "trunk_group", TYPES)
    assert found["carrier"] == {key: row[0] for key, row in table.items() if row[0]}
    assert found["channels"] == {key: row[2] for key, row in table.items()}


def test_rendered_filters_give_the_same_fields(tmp_path: Path) -> None:
    (tmp_path / "trunk_groups.csv").write_text(TRUNKS)
    layout = load_layouts()["voip-busyhour"]
    parts = writer(layout)
    write_references(parts)
    groups = ["TG1", "TG2", "TG9", "TG7", None]
    events = [
        {"voip": {"trunk_group": {"originating": one, "terminating": other}}}
        for one in groups[:4]
        for other in groups[:4]
    ]
    out = run_filters(rendered(parts), events, {"BUSYHOUR_REFERENCE_FOLDER": str(tmp_path)})
    for before, after in zip(events, out, strict=True):
        line = LINE.rsplit(",", 2)[0] + ",{originating},{terminating}".format(**before["voip"]["trunk_group"])
        expected = document(voip(tmp_path), line)["voip"]
        for side in ("originating", "terminating"):
            assert after["voip"].get(side) == expected.get(side)
    assert run_filters(rendered(parts), events, {}) == events  # no folder, no tables


def test_pull_writes_the_table_that_both_runners_read(store: Store, tmp_path: Path) -> None:
    index = _index(
        store, [{"trunk_group": "TG2", "channels": 30}, {"trunk_group": "TG1", "carrier": 'A "b", c'}, {"x": 1}]
    )
    assert pull(store, index, "trunk_groups", tmp_path / "new") == 2
    text = (tmp_path / "new/trunk_groups.csv").read_text()
    assert text == 'trunk_group,carrier,site,region,channels\nTG1,"A ""b"", c",,,\nTG2,,,,30\n'
    assert document(voip(tmp_path / "new"))["voip"]["originating"] == {"carrier": 'A "b", c'}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["trunk_groups.csv"]


@pytest.mark.parametrize(
    ("documents", "what"),
    [
        ([{"trunk_group": "TG1", "channels": 1}, {"trunk_group": "TG1", "channels": 2}], "two different documents"),
        ([{"trunk_group": "TG1", "channels": "many"}], "channels: 'many' is not a whole number"),
        ([{"trunk_group": "TG1", "carrier": {"name": "x"}}], "neither a text nor a whole number"),
        ([{"trunk_group": "TG1", "carrier": "two\nlines"}], "several lines"),
        ([{"group": "TG1"}], "no document of it has the field trunk_group"),
    ],
)
def test_pull_leaves_the_old_table_when_the_index_makes_none(
    store: Store, tmp_path: Path, documents: list[dict[str, Any]], what: str
) -> None:
    path = tmp_path / "trunk_groups.csv"
    path.write_text(TRUNKS)
    with pytest.raises(DefinitionError, match=what):
        pull(store, _index(store, documents), "trunk_groups", tmp_path)
    assert path.read_text() == TRUNKS
    assert list(tmp_path.iterdir()) == [path]


def test_pull_refuses_an_unknown_table_and_index(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean trunk_groups"):
        pull(store, "whatever", "trunkgroups", tmp_path)
    with pytest.raises(StoreRefused, match="no-such-index"):
        pull(store, "no-such-index", "trunk_groups", tmp_path)
    assert list(tmp_path.iterdir()) == []


def _index(store: Store, documents: list[dict[str, Any]]) -> str:
    """An index of somebody else's, new each time."""
    name = f"network-{uuid.uuid4().hex}"
    store.exchange.ask("PUT", f"/{name}", {"mappings": {"enabled": False}})
    for number, each in enumerate(documents):
        store.exchange.ask("PUT", f"/{name}/_doc/{number}", each, params={"refresh": "true"})
    return name


def test_command_says_what_the_tables_fill_or_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trunk_groups.csv").write_text(TRUNKS)
    monkeypatch.setenv("BUSYHOUR_REFERENCE_FOLDER", str(tmp_path))
    answer = CliRunner().invoke(cli, ["references", "check", "--json"])
    assert orjson.loads(answer.output)["references"][0] == {"table": "trunk_groups", "rows": 3}
    assert "voip.terminating.carrier" in CliRunner().invoke(cli, ["references", "check"]).output
    (tmp_path / "sbcs.csv").write_text("sbc,sites\n")
    failed = CliRunner().invoke(cli, ["references", "check"]).exception
    assert isinstance(failed, DefinitionError)
    assert "sbcs.csv, line 1: sites" in str(failed)
    monkeypatch.setenv("BUSYHOUR_REFERENCE_FOLDER", "")
    assert isinstance(CliRunner().invoke(cli, ["references", "check"]).exception, SettingError)
