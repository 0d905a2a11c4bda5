"""docs/books.md: the settings, commands, watches and fields that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

from alerting import load_watches
from cli.commands import command
from contracts.fields import FILE, REJECT
from contracts.settings import TABLE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "books.md").read_text(encoding="utf-8")


def test_page_names_settings_that_exist() -> None:
    named = set(re.findall(r"`((?:books|source|pii|ingest)\.[a-z.]+)`", PAGE))
    assert len(named) >= 8
    assert named <= {row.name for row in TABLE}


def test_page_names_commands_that_exist() -> None:
    named = set(re.findall(r"busyhour ([a-z]+)", PAGE))
    assert {"books", "files", "rejects", "ingest"} <= {name for name in named if command(name) is not None} == named


def test_page_names_watches_and_fields_that_exist() -> None:
    assert {"files-late", "files-missing", "books-unbalanced"} <= {watch.name for watch in load_watches()}
    fields = {field.name for field in (*FILE, *REJECT)}
    assert set(re.findall(r"`(reject\.[a-z]+|file\.[a-z]+)`", PAGE)) <= fields
    for name in ("recycled", "discarded", "lines", "indexed", "duplicate", "rejected"):
        assert f"file.{name}" in fields
