"""Keys of a layout that enrich or protect: what is wrong with them is said, and where."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mediation.load import FOLDER, complaints, load_layouts

Data = dict[str, Any]


def data(name: str = "voip-busyhour") -> Data:
    return dict(yaml.safe_load(Path(FOLDER / f"{name}.yml").read_text(encoding="utf-8")))


def _column(content: Data, name: str) -> Data:
    return next(column for column in content["columns"] if column["name"] == name)


def number(**keys: str) -> Callable[[Data], None]:
    return lambda content: content["numbers"][0].update(keys)


def column(name: str, **keys: Any) -> Callable[[Data], None]:
    return lambda content: _column(content, name).update(keys)


def derive(**keys: Any) -> Callable[[Data], None]:
    return lambda content: content["derive"].append(keys)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (number(column="caling_number"), "numbers.0.column: no column 'caling_number'; did you mean calling_number?"),
        (number(column="pdd_ms"), "numbers.0.column: pdd_ms is decimal; a number to call is a keyword"),
        (number(home="UK"), "numbers.0.home: 'UK' is no country with a number plan"),
        (number(plain="msisdn"), "numbers.0.plain: 'msisdn' is not one of national, international"),
        (number(zone="voip.codec"), "numbers.0: field voip.codec is filled twice"),
        (number(zone="voip.called.zone"), "numbers.1: field voip.called.zone is filled twice"),
        (number(zone="voip.calling.zoned"), "field voip.calling.zoned: cdr-voip has no such field"),
        (column("codec", pii="truncate"), "columns.codec.keep_characters: belongs to pii: truncate, which needs it"),
        (column("codec", keep_characters=3), "columns.codec.keep_characters: belongs to pii: truncate, which needs it"),
        (
            column("disposition", pii="truncate", keep_characters=2),
            "columns.disposition.pii: only a keyword without values",
        ),
        (column("pdd_ms", pii="truncate", keep_characters=2), "columns.pdd_ms.pii: only a keyword without values"),
        (column("codec", pii="mask"), "pii: 'mask' is not one of keep, hash, truncate, drop"),
        (column("codec", pii="truncate", keep_characters=0), "keep_characters: 0 is less than the minimum of 1"),
        (derive(field="voip.codec", release_name={}), "derive.11.release_name"),
        (derive(field="voip.codec", release_name={"q850": "voip.release.q950"}), "nothing fills 'voip.release.q950'"),
        (
            derive(field="voip.codec", release_fault={"sip": "voip.disposition"}),
            "voip.disposition is keyword, not number",
        ),
        (derive(field="voip.leg.mos", mos_of_r_factor="voip.codec"), "voip.codec is keyword, not number"),
        (derive(field="voip.pdd.ms", ratio=["voip.called.packets.lost"]), "derive.11.ratio"),
    ],
)
def test_layout_is_refused_with_the_key_at_fault(change: Callable[[Data], None], complaint: str) -> None:
    content = deepcopy(data())
    assert len(content["derive"]) == 11
    assert not list(complaints(content))
    change(content)
    found = list(complaints(content))
    assert any(complaint in sentence for sentence in found), found


def test_dropped_column_fills_nothing_for_others() -> None:
    content = data()
    _column(content, "q850_cause")["pii"] = "drop"
    assert any("nothing fills 'voip.release.q850'" in sentence for sentence in complaints(content))


def test_shipped_layouts_enrich_what_they_can() -> None:
    layouts = load_layouts()
    for name in ("voip-busyhour", "voip-public", "voip-public-undated"):
        assert {"release_name", "release_fault"} <= {derived.kind for derived in layouts[name].derived}, name
    for name in ("sms-busyhour", "epc-busyhour", "mobile-public", "mobile-public-semicolon"):
        assert layouts[name].numbers[0].plain == "international", name
