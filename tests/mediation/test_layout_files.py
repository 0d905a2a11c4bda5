"""Layout files: the shipped ones are right, and a wrong one is refused by file, key, value and nearest right name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import LayoutError
from mediation.load import FOLDER, complaints, load_layout, load_layouts

GOOD = yaml.safe_load((FOLDER / "voip-public.yml").read_text())


def _changed(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def _format(**form: Any) -> dict[str, Any]:
    return _changed(format=form)


def _column(**changes: Any) -> dict[str, Any]:
    return _changed(columns=[*GOOD["columns"][:3], {**GOOD["columns"][3], **changes}, *GOOD["columns"][4:]])


def test_layouts_shipped_are_right() -> None:
    layouts = load_layouts()
    assert {"voip-public", "voip-public-undated", "mobile-public", "mobile-public-semicolon"} < set(layouts)
    assert {service for layout in layouts.values() for service in layout.services} == {
        "voip",
        "mobile-voice",
        "sms",
        "epc",
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_changed(separator=","), "unknown key 'separator'"),
        (
            _changed(format={"kind": "csv", "separater": ","}),
            "format: unknown key 'separater'; did you mean separator?",
        ),
        (_column(typ="decimal"), "columns.3: unknown key 'typ'; did you mean type?"),
        (
            _column(type="decimel"),
            "columns.3.type: 'decimel' is not one of keyword, integer, decimal; did you mean decimal?",
        ),
        (_column(field="voip.pdd.msec"), "cdr-voip has no such field; did you mean voip.pdd.ms?"),
        (_column(type="keyword", min=None), "columns.3.min"),
        (_column(field="voip.codec"), "field voip.codec: is decimal, but keyword in cdr-voip"),
        (_column(min=5, max=1), "min 5 is above max 1"),
        (_column(type="integer", divide_by=10), "only a decimal can be divided"),
        (
            _changed(columns=[*GOOD["columns"], {"name": "Date", "as": "Day"}]),
            "columns: name 'Date' occurs twice",
        ),
        (_changed(columns=[*GOOD["columns"], {"name": "Day", "as": "Date"}]), "columns: as 'Date' occurs twice"),
        (_format(kind="csw"), "format.kind: 'csw' is not one of"),
        (_format(separator=","), "format: 'kind' is a required property"),
        (_format(kind="json", separator=","), "format: unknown key 'separator'"),
        (_format(kind="csv", header="no"), "format.header: 'no' is not one of names, none, names-and-types"),
        (_format(kind="csv", counts=[19]), "format.counts: belongs to header: none"),
        (_format(kind="csv", header="none", counts=[18]), "the most is 18, but there are 19 columns"),
        (_format(kind="csv", header="none", others="ignore"), "format.others: needs a header"),
        (_format(kind="json", whole_file=True), "leave logstash out of the runners"),
        (_format(kind="json", whole_file=True) | {"encoding": "utf-16"}, "JSON is UTF-8"),
        (_format(kind="pairs", equals=";"), "format.equals: is the separator, too"),
        (_changed(encoding="latin-1"), "encoding: python alone"),
        (_changed(files=["*.csv"]), "files: belongs to files without a header"),
        (_changed(encoding="utf8"), "encoding: 'utf8' is not one of utf-8, latin-1, utf-16; did you mean utf-8?"),
        (_format(kind="json") | {"columns": [*GOOD["columns"], {"name": "a..b"}]}, "columns.a..b.name: is no path"),
        (
            _format(kind="json") | {"columns": [*GOOD["columns"], {"name": "a", "optional": True}]},
            "columns.a.optional: belongs to a csv with a header",
        ),
        (
            _changed(derive=[{"field": "voip.call_id", "join": ["voip.pdd.ms", "voip.codec"]}]),
            "is decimal, not keyword",
        ),
        (_changed(derive=[{"field": "voip.codec", "value": "x", "when": {"voip.mos": [1]}}]), "nothing fills"),
        (_column(field="voip.release.q850"), "filled twice"),
        (_changed(timezone="Europe/Berln"), "timezone: unknown zone 'Europe/Berln'; did you mean Europe/Berlin?"),
        (_changed(identity=["Dat"]), "identity: no column 'Dat'; did you mean Date?"),
        (_changed(target=[{"service": "viop"}]), "target.0.service: 'viop' is not one of"),
        (_changed(target=[{"service": "voip", "when": {"voip.disposition": ["x"]}}]), "the last must have no `when`"),
        (_changed(times=[{**GOOD["times"][0], "formats": ["yyyy-MM-dd hh:mm"]}]), "unknown letters 'hh'"),
        (_changed(times=[{**GOOD["times"][0], "columns": ["Date", "Tim"]}]), "no column 'Tim'; did you mean Time?"),
        (_changed(times=[{**GOOD["times"][0], "required": False}]), "@timestamp is not certain"),
        (
            _changed(derive=[{"field": "@timestamp", "copy": "event.ende"}]),
            "nothing fills 'event.ende' before; did you mean event.end?",
        ),
        (
            _changed(derive=[{"field": "@timestamp", "sum": ["event.end", "voip.pdd.ms"]}]),
            "event.end is time, not number",
        ),
        (_changed(flags=[{"flag": "x", "when": {"voip.disposition": [1]}}]), "values are not of type keyword"),
        (_changed(flags=[{"flag": "x", "when": {"voip.disposition": {"from": 1, "to": 2}}}]), "is no number"),
        (_changed(constants={"cdr.layout": "x"}), "every record gets it"),
        (_changed(runners=[]), "runners"),
        ([], "layout"),
        (None, "layout"),
    ],
)
def test_layout_is_refused_by_key_and_value_when_wrong(data: Any, words: str) -> None:
    assert any(words in sentence for sentence in complaints(data)), list(complaints(data))


def test_layout_error_names_the_file_when_a_key_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "voip-public.yml"
    path.write_text(yaml.safe_dump(_changed(fromat=GOOD["format"])))
    with pytest.raises(LayoutError, match=r"voip-public.yml: layout: unknown key 'fromat'; did you mean format\?"):
        load_layout(path)


@pytest.mark.parametrize("text", ["layout: [", "layout: a\nlayout: b\n", "\x00"])
def test_layout_error_is_raised_when_the_yaml_is_broken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(LayoutError, match=r"x\.yml"):
        load_layout(path)


def test_layout_error_is_raised_when_name_and_file_differ(tmp_path: Path) -> None:
    path = tmp_path / "other.yml"
    path.write_text(yaml.safe_dump(GOOD))
    with pytest.raises(LayoutError, match="'voip-public' is not the file's name 'other'"):
        load_layout(path)


def test_layout_error_is_raised_when_two_cannot_be_told_apart(tmp_path: Path) -> None:
    for name in ("voip-a", "voip-b"):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(_changed(layout=name)))
    with pytest.raises(LayoutError, match="same columns and separator as layout voip-a"):
        load_layouts(tmp_path)
