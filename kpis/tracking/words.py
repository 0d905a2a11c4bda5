"""Who and why, as people type them: bounded, printable."""

from __future__ import annotations

import unicodedata

from contracts.errors import UserError

LONGEST_WHO, LONGEST_WHY = 100, 1000


def who(text: str) -> str:
    """Raises UserError on nobody, and on what is no name."""
    return _checked(text, "by", LONGEST_WHO)


def why(text: str) -> str:
    """Raises UserError on an empty reason, one with control characters, and one that is too long."""
    return _checked(text, "why", LONGEST_WHY)


def _checked(text: str, name: str, longest: int) -> str:
    found = text.strip()
    if not found:
        raise UserError("is empty", where=name, remedy="say who it is and why, for those who ask later")
    if len(found) > longest:
        raise UserError(f"has {len(found)} characters, more than {longest}", where=name)
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t" for each in found):
        raise UserError("holds control characters", where=name)
    return found
