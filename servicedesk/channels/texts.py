"""What the desk writes without a person, in the customer's language (texts.yml)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

_FALLBACK = "en"


def text(name: str, language: str, **values: str) -> str:
    """A text of texts.yml in that language, English where it has none. KeyError on an unknown name: a defect of ours."""
    texts = _texts()
    found = texts.get(language, texts[_FALLBACK])[name]
    for key, value in values.items():  # not str.format: a value is never read as a format
        found = found.replace("{" + key + "}", value)
    return found


@cache
def _texts() -> dict[str, dict[str, str]]:
    content = yaml.safe_load((Path(__file__).parent / "texts.yml").read_text(encoding="utf-8"))
    return {language: dict(rows) for language, rows in content.items()}
