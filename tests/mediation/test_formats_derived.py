"""Constants under conditions and joined texts, on both ways to a document; and that filling a field never changes an identity."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

from contracts import ids
from mediation.columns.compile import compile_columns
from mediation.compile import Record, compile_layout
from mediation.golden import KEY
from mediation.load import FOLDER, build, complaints

LINE = (
    "1@a,1,2026-01-01T00:00:00Z,2026-01-01T00:00:01Z,2026-01-01T00:00:05Z,,1,2,answered,16,200,"
    "{pdd},{codec},,,,,,,,,,,{sbc},e,{trunk},t,{mark}"
)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((FOLDER / "voip-busyhour.yml").read_text(encoding="utf-8"))
    data["columns"].append({"name": "mark", "field": "mark"})
    data["locals"]["mark"] = "keyword"
    data["constants"] = {"voip.ingress.sbc": "none"}
    data["derive"] += [
        {"field": "voip.codec", "value": 'G"711', "when": {"mark": ["1"]}},
        {"field": "voip.codec", "copy": "mark"},
        {
            "field": "voip.trunk_group.originating",
            "join": ["mark", "voip.call_id"],
            "when": {"voip.pdd.ms": {"from": 1, "to": 5}},
        },
    ]
    data["identity"] += ["codec", "ingress_sbc", "originating_trunk_group"]
    assert list(complaints(data)) == []
    return data


@pytest.mark.parametrize(
    ("cells", "codec", "trunk", "sbc"),
    [
        ({"pdd": "3", "codec": "", "sbc": "", "trunk": "", "mark": "1"}, 'G"711', "1-1@a", "none"),
        ({"pdd": "9", "codec": "", "sbc": "s", "trunk": "", "mark": "2"}, "2", None, "s"),
        ({"pdd": "3", "codec": "G", "sbc": "", "trunk": "x", "mark": ""}, "G", "x", "none"),
        ({"pdd": "", "codec": "", "sbc": "", "trunk": "", "mark": ""}, None, None, "none"),
    ],
)
def test_fields_are_filled_and_the_identity_is_of_what_was_delivered(
    data: dict[str, Any], cells: dict[str, str], codec: str | None, trunk: str | None, sbc: str
) -> None:
    layout = build(data)
    line = LINE.format(**cells)
    outcome = compile_layout(layout, KEY).mediate(line)
    assert isinstance(outcome, Record)
    voip = outcome.document["voip"]
    assert (voip.get("codec"), voip["trunk_group"].get("originating"), voip["ingress"]["sbc"]) == (codec, trunk, sbc)
    raw = dict(zip((column.raw for column in layout.columns), line.split(","), strict=True))
    sources = {f"[raw][{name}]": raw[name] for name in layout.identity} | {"[cdr][layout]": layout.name}
    assert outcome.id == ids.digest(ids.concatenated(sources))
    columns = compile_columns(layout, KEY)
    assert columns is not None
    stamp, heads = "2026-01-01T00:00:06.000Z", {"voip": {"2026-01-01": "{"}}
    taken = columns.take(line.encode(), 0, log='"log":{"offset":', stamp=stamp, latest="~", heads=heads)
    if '"' in line:
        assert not len(taken.texts)
        return
    fast = orjson.loads(taken.texts[0].split(b"\n")[1])
    del fast["log"], fast["event"]["ingested"]
    assert fast == outcome.document
