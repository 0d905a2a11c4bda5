"""The words of GLOSSARY.md, for the tooltips of a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$")


@cache
def glossary(path: Path = ROOT / "GLOSSARY.md") -> dict[str, str]:
    """Meaning by word, in small letters; the parts of `CDR header, file header` apart. Nothing where there is no such file."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = _ROW.match(line)
        if row and not set(row[1]) <= set("- :") and row[1] != "word":
            for word in re.split(r", | \(", row[1]):
                found[word.rstrip(")").strip("`* ").lower()] = row[2].replace("`", "").replace("*", "")
    return found


def meaning(word: str) -> str:
    """What a word means, "" when the glossary lacks it; a plural counts as its singular."""
    low = word.lower()
    return glossary().get(low) or glossary().get(low.removesuffix("s")) or ""
