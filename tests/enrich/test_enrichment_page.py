"""docs/enrichment.md: every example is run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.settings import TABLE, read
from mediation.compile import Record, compile_layout
from mediation.enrich.configured import configured
from mediation.enrich.references import fills
from mediation.golden import KEY
from mediation.layout import Layout
from mediation.load import build, complaints

PAGE = (Path(__file__).resolve().parents[2] / "docs/enrichment.md").read_text(encoding="utf-8")
BLOCKS = [(name, text) for name, text in re.findall(r"^```(\w+ [\w.]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


def layout() -> Layout:
    (text,) = [text for name, text in BLOCKS if name == "yaml layout"]
    content = yaml.safe_load(text)
    assert list(complaints(content)) == []
    return build(content)


def examples() -> Iterator[tuple[dict[str, str], dict[str, str], str, str]]:
    """Settings and tables in force, input, output."""
    settings: dict[str, str] = {}
    tables: dict[str, str] = {}
    for index, (name, text) in enumerate(BLOCKS):
        if name == "sh settings":
            settings = dict(line.split("=", 1) for line in text.splitlines())
        elif name.endswith(".csv"):
            tables[name.split()[1]] = text
        elif name == "csv input":
            assert BLOCKS[index + 1][0] == "json output"
            yield dict(settings), dict(tables), text, BLOCKS[index + 1][1]


EXAMPLES = list(examples())


def leaves(node: object, path: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {path: node}
    return {
        name: leaf for key, value in node.items() for name, leaf in leaves(value, f"{path}.{key}".strip(".")).items()
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=[text.splitlines()[0] for _, _, text, _ in EXAMPLES])
def test_example_gives_what_the_page_says(
    example: tuple[dict[str, str], dict[str, str], str, str], tmp_path: Path
) -> None:
    settings, tables, given, wanted = example
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    folder = {"BUSYHOUR_REFERENCE_FOLDER": str(tmp_path)} if tables else {}
    ready = configured({"x": layout()}, read({**settings, **folder}))["x"]
    mediate = compile_layout(ready, KEY).mediate
    rows = list(csv.DictReader(io.StringIO(given)))
    answers = [json.loads(line) for line in wanted.splitlines()]
    assert len(rows) == len(answers) > 0
    known = {fields for answer in answers for fields in answer}
    for row, answer in zip(rows, answers, strict=True):
        assert set(row) <= set(ready.header)
        line = ",".join(row.get(name) or "" for name in ready.header)
        outcome = mediate(line)
        assert isinstance(outcome, Record), outcome
        found = leaves(outcome.document)
        shown = known | {name for name in found if name.startswith(_MADE) and not row_gives(ready, row, name)}
        assert {name: found[name] for name in sorted(shown) if name in found} == answer


_MADE = ("voip.release.", "voip.calling.", "voip.called.", "voip.terminating.")


def row_gives(ready: Layout, row: dict[str, str], field: str) -> bool:
    """Whether a column of the example fills the field, so that the answer need not show it."""
    return any(column.field == field and row.get(column.name) for column in ready.columns)


def test_page_names_the_tables_columns_and_settings() -> None:
    for fill in fills():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{fill.table}.csv`"))
        assert all(f"`{name}`" in row for name in (fill.key, *fill.types, fill.by))
    named = set(re.findall(r"`((?:pii|numbers|reference)\.[a-z.]+)`", PAGE))
    assert named == {row.name for row in TABLE if row.name.split(".")[0] in ("pii", "numbers", "reference")}
