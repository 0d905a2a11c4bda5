"""Severities: the words of alerts and the numbers of findings (ITU-T X.733 without its `cleared` and `indeterminate`)."""

from __future__ import annotations

import difflib

WORDS = ("critical", "major", "minor", "warning")  # 1 … 4


def severity_word(text: str) -> str:
    """`2` and `Major` as `major`. Raises ValueError with the nearest right word."""
    plain = text.strip().lower()
    if plain in WORDS:
        return plain
    if plain in ("1", "2", "3", "4"):
        return WORDS[int(plain) - 1]
    close = difflib.get_close_matches(plain, WORDS, n=1)
    near = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"severity {text!r} is not one of {', '.join(WORDS)}, or 1 to 4{near}")


def severity_number(word: str) -> int:
    """1 critical … 4 warning. Raises ValueError on another word."""
    return WORDS.index(severity_word(word)) + 1
