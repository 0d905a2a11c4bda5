"""Every layout has a golden pair, and the pair holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.fields import Field
from contracts.indices import BY_NAME
from contracts.outcomes import Reason
from mediation.golden import outcomes
from mediation.load import load_layouts

GOLDEN = Path(__file__).parent / "golden"
LAYOUTS = load_layouts()


@pytest.mark.parametrize("name", LAYOUTS)
def test_golden_pair_holds(name: str) -> None:
    expected = [orjson.loads(line) for line in (GOLDEN / name / "expected.ndjson").read_bytes().splitlines()]
    assert _rows(name) == expected


def test_golden_pairs_have_every_layout_and_no_other() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_golden_documents_fit_the_mappings(name: str) -> None:
    for row in _rows(name):
        declared = {field.name: field for field in BY_NAME[row["index"]].fields}
        for field, value in _leaves(row["document"]):
            assert field in declared, field
            assert _fits(value, declared[field]), (field, value)


def test_golden_pairs_show_every_reason_that_a_line_can_have() -> None:
    seen = {row["document"].get("reject", {}).get("reason") for name in LAYOUTS for row in _rows(name)}
    decided_when_written = {"store_refused", "future_time"}
    assert {reason.value for reason in Reason} - seen == decided_when_written


def _rows(name: str) -> list[dict[str, Any]]:
    return list(outcomes(next((GOLDEN / name).glob("input.*")), LAYOUTS))


def _leaves(node: object, path: str = "") -> list[tuple[str, object]]:
    if not isinstance(node, dict):
        return [(path, node)]
    return [leaf for key, value in node.items() for leaf in _leaves(value, f"{path}.{key}" if path else key)]


def _fits(value: object, field: Field) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {"double": float, "long": int, "integer": int, "boolean": bool}
    return isinstance(value, kinds.get(field.type, (str, list)))
