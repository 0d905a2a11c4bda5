"""The words of GLOSSARY.md, for the tooltips of a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$")


@cache
def rows(path: Path = ROOT / "GLOSSARY.md") -> tuple[tuple[str, str], ...]:
    """Terms and their meanings, as they stand there, without marks. Nothing where there is no such file."""
    if not path.is_file():
        return ()
    found = (_ROW.match(line) for line in path.read_text(encoding="utf-8").splitlines())
    cells = [tuple(re.sub("[`*]", "", cell).strip() for cell in row.groups()) for row in found if row]
    return tuple((word, told) for word, told in cells if word != "word" and not set(word) <= set("- :"))


@cache
def glossary(path: Path = ROOT / "GLOSSARY.md") -> dict[str, str]:
    """Meaning by word, in small letters; the parts of `CDR header, file header` apart."""
    found: dict[str, str] = {}
    for words, told in rows(path):
        for word in re.split(r", | \(", words):
            found[word.rstrip(")").strip().lower()] = told
    return found


def meaning(word: str) -> str:
    """What a word means, "" when the glossary lacks it; a plural counts as its singular."""
    low = word.lower()
    return glossary().get(low) or glossary().get(low.removesuffix("s")) or ""
